#pragma once
#include "models/captioner.hpp"
#include "tutorials/lesson/elements.hpp"

namespace unroll {

/// Where a captioner looked while it wrote a caption; of the plain decoder the picture alone.
lesson::Looks looks_of(const Captioner& captioner, const Picture& picture, const std::string& caption);

}  // namespace unroll
