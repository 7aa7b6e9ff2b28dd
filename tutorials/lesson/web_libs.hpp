#pragma once
#include <string>
#include <string_view>

namespace unroll::lesson {

/// KaTeX and Chart.js as they stand in a page: whole <style> and <script> elements, fonts as data URIs; empty where the
/// library is not there. Never part of the project: read from the folder that was found when the build was configured.
struct WebLibs {
    std::string katex, chart;
};

/// From `folder`, laid out as Debian does: katex/katex.min.js, katex/katex.min.css, katex/fonts/*.woff2,
/// chart.js/chart.min.js. Of the fonts only those that `tex`, all formulas of the page, can ask for.
WebLibs load_web_libs(const std::string& folder, const std::string& tex);

/// Bytes as text, for data URIs.
std::string base64(std::string_view bytes);

/// The folder of the build's configuration.
std::string web_libs_folder();

}  // namespace unroll::lesson
