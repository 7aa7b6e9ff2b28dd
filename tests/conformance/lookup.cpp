#include "nn/embedding.hpp"
#include "tests/conformance/case.hpp"

namespace unroll::conformance {

void embedding(Case& c) {
    Embedding layer;
    layer.E = c.parameter("weight");
    c.output("y", layer(c.tape, c.ids("in.ids")));
    c.backward();
}

}  // namespace unroll::conformance
