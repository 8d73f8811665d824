#!/usr/bin/env bash
# Draws docs/img/report.png anew: the beginning of the report of configs/sweeps/exit-cost.json, in headless Chromium.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
./hvsim sweep configs/sweeps/exit-cost.json --out "$scratch/sweep" --quiet
./hvsim report "$scratch/sweep" -o "$scratch/report.html"
chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --window-size=1000,800 \
  --user-data-dir="$scratch/profile" --virtual-time-budget=30000 --screenshot=docs/img/report.png \
  "file://$scratch/report.html"
