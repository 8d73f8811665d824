// Taking and resuming a pipeline's image. A time that can no longer make anything wait is set to the latest
// such time, so that equal futures have equal images.
#include "models/cpu/pipeline_image.h"

#include <algorithm>

#include "models/cpu/pipeline.h"

namespace hvsim::cpu {

namespace {

constexpr isa::Cycles kOrigin = isa::Cycles{1} << 40;  // of resumed pipelines: all times are positive

}  // namespace

PipelineImage Pipeline::image() const {
  PipelineImage image;
  auto next = image.times.begin();
  const auto put = [&](Cycles time) { *next++ = static_cast<std::int32_t>(time - commit_); };
  const Cycles fetched = fetch_ + config_.fetch_to_issue;
  const Cycles issue = std::max(issue_, fetched - 1);  // nothing issues before
  const Cycles earliest = std::max(issue, fetched);
  put(fetch_);
  put(issue);
  put(commit_ + (issue_ == issue ? issued_together_ : 0));
  put(std::max(before_, commit_ - 1));
  put(std::max(alu_free_, earliest));
  put(std::max(alu_result_, earliest - 1));
  put(std::max(fp_div_free_, earliest));
  put(std::max(lsu_taken_, earliest));
  put(std::max(load_free_, earliest + 1));
  put(std::max(system_issue_, earliest - 1));
  put(commit_ + static_cast<Cycles>(fetch_reason_));
  for (std::size_t i = 1; i < 32; ++i) put(std::max(x_ready_[i], earliest));
  for (const Cycles ready : f_ready_) put(std::max(ready, earliest));
  for (unsigned i = 0; i < config_.scoreboard_entries; ++i)
    put(std::max(slots_[(slot_ + i) % config_.scoreboard_entries], earliest - 1));
  return image;
}

void Pipeline::resume(const PipelineImage& image) {
  auto next = image.times.begin();
  const auto relative = [&] { return static_cast<Cycles>(std::int64_t{*next++}); };
  const auto take = [&] { return kOrigin + relative(); };
  commit_ = kOrigin;
  fetch_ = take();
  issue_ = take();
  issued_together_ = static_cast<unsigned>(relative());
  before_ = take();
  alu_free_ = take();
  alu_result_ = take();
  fp_div_free_ = take();
  lsu_taken_ = take();
  load_free_ = take();
  system_issue_ = take();
  fetch_reason_ = static_cast<Component>(relative());
  for (std::size_t i = 1; i < 32; ++i) x_ready_[i] = take();
  for (Cycles& ready : f_ready_) ready = take();
  slot_ = 0;
  for (unsigned i = 0; i < config_.scoreboard_entries; ++i) slots_[i] = take();
  booked_ = 0;
  fetch_owed_ = data_owed_ = {};
  // Stores have left, and what they wait for is not the pipeline's: see StoreQueue.
  store_commits_ = store_drains_ = {};
  last_drain_ = data_until_ = refilled_ = walks_from_ = 0;
  write_buffer_ = WriteBuffer(config_, 1);
}

}  // namespace hvsim::cpu
