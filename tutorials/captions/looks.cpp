#include "tutorials/captions/looks.hpp"

namespace unroll {

lesson::Looks looks_of(const Captioner& captioner, const Picture& picture, const std::string& caption) {
    lesson::Looks looks{.title = caption, .picture = picture};
    const int G = int(captioner.model.grid());
    for (const Captioner::ScoredWord& w : captioner.score(picture, caption)) {
        if (w.weights.empty()) break;
        looks.words.push_back(w.word.empty() ? "<eos>" : w.word);
        looks.weights.emplace_back(G, G, w.weights);
    }
    return looks;
}

}  // namespace unroll
