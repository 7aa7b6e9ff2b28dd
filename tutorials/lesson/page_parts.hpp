#pragma once

namespace unroll::lesson {

// The page's style and script, page/page.css and page/page.js.
extern const char page_css[];
extern const char page_js[];

}  // namespace unroll::lesson
