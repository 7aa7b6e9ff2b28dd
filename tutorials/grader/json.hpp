#pragma once
#include <nlohmann/json.hpp>

#include "tutorials/grader/answer.hpp"

namespace unroll::grader {

nlohmann::json to_json(const char* kind, const Answer& answer);
Answer answer_from(const char* kind, const nlohmann::json& line);  // throws nlohmann::json::exception

}  // namespace unroll::grader
