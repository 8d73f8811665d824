# Words that somebody has typed: which known one is nearest.
# shellcheck shell=bash

# edit_distance A B: how many letters must be put in, taken away or changed.
edit_distance() {
  local a=$1 b=$2 i j best before=() row=()
  for ((j = 0; j <= ${#b}; ++j)); do row[j]=$j; done
  for ((i = 1; i <= ${#a}; ++i)); do
    before=("${row[@]}")
    row[0]=$i
    for ((j = 1; j <= ${#b}; ++j)); do
      best=$((before[j - 1] + 1))
      if [[ ${a:i-1:1} == "${b:j-1:1}" ]]; then best=${before[j - 1]}; fi
      if ((before[j] + 1 < best)); then best=$((before[j] + 1)); fi
      if ((row[j - 1] + 1 < best)); then best=$((row[j - 1] + 1)); fi
      row[j]=$best
    done
  done
  echo "${row[${#b}]}"
}

# nearest WORD CANDIDATE...: the most similar one, or nothing if none is.
nearest() {
  local word=$1 found="" least=3 each distance
  shift
  for each in "$@"; do
    distance=$(edit_distance "$word" "$each")
    if ((distance < least)); then least=$distance found=$each; fi
  done
  printf '%s' "$found"
}
