#pragma once
#include <string>
#include <string_view>

namespace unroll::lesson {

/// TeX maths as plain text, for terminals and for pages without KaTeX: `\frac{\partial L}{\partial W_{hh}}` becomes
/// "∂L/∂W_hh", `h_{t-1}` stays "h_{t-1}". Commands it does not know keep their name without the backslash.
std::string plain_tex(std::string_view tex);

}  // namespace unroll::lesson
