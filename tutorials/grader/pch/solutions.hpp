// What the chapters' solutions include, compiled once for all the wrong ones of a chapter.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "core/random.hpp"
#include "core/tape.hpp"
#include "tutorials/grader/unimplemented.hpp"
