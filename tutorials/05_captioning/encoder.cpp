// The encoder: convolution on numbers to check by hand, pooling, batch normalisation, and their gradients.
#include <fmt/format.h>

#include <cmath>

#include "core/ops/pooling.hpp"
#include "core/ops/reductions.hpp"
#include "models/caption_network.hpp"
#include "tutorials/05_captioning/chapter.hpp"

namespace unroll {
namespace {

double distance(const Tensor& a, const Tensor& b) {
    const Tensor d = a - b;
    return std::sqrt(sum(d * d).item());
}

void convolution(Lesson& lesson) {
    lesson.section("A small window on a picture", "Encoder (CNN)");
    lesson.text(
        "A fully connected layer would give each pixel weights of its own, and what it learns about a red cap above on "
        "the left would say nothing about one below on the right. A convolution moves one small window, the kernel, "
        "over the whole picture:");
    lesson.equation(R"(y_{o,i,j} = b_o + \sum_c \sum_k \sum_l W_{o,c,k,l}\; x_{c,\,i+k-p,\,j+l-p})",
                    "y[o,i,j] = b[o] + Σ_c Σ_k Σ_l W[o,c,k,l] x[c, i+k-p, j+l-p]");
    lesson.text(
        "with $p$ zeros around the picture, so that it stays as large as it was. (Mathematicians turn the kernel round "
        "and call this a correlation. Since $W$ is learnt, nobody does here.) A picture that is dark on the left and "
        "light on the right, and a kernel that looks for just that:");
    const Tensor x = Tensor::of({{{{0, 0, 1, 1}, {0, 0, 1, 1}, {0, 0, 1, 1}}}}, DType::f64).named("BCHW");
    const Tensor W = Tensor::of({{{{-1, 0, 1}, {-1, 0, 1}, {-1, 0, 1}}}}, DType::f64);
    lesson.show("x", x);
    lesson.show("W", W);
    const Tensor y = conv2d(x, W, {.padding = 1});
    lesson.show("y", y);
    lesson.text(
        "Largest where the edge is. At the right border the padding's zeros are an edge as well, from light to dark: "
        "the network has to learn to live with that.");
    Tensor by_hand = Tensor::zeros(y.shape(), DType::f64);
    for (int64_t i = 0; i < 3; i++)
        for (int64_t j = 0; j < 4; j++) {
            double total = 0;
            for (int64_t k = 0; k < 3; k++)
                for (int64_t l = 0; l < 3; l++)
                    if (i + k >= 1 && i + k <= 3 && j + l >= 1 && j + l <= 4)
                        total += W.at({0, 0, k, l}) * x.at({0, 0, i + k - 1, j + l - 1});
            by_hand.set({0, 0, i, j}, total);
        }
    lesson.check("the loops of the equation give the same", distance(by_hand, y), 0);
    lesson.text(
        "Backward, each product $W x$ of the sum passes $\\bar y$ on to both of its factors; a bar is a gradient of "
        "the loss:");
    lesson.equation(
        R"(\bar W_{o,c,k,l} = \sum_{b,i,j} \bar y_{b,o,i,j}\, x_{b,c,i+k-p,j+l-p}, \qquad \bar x_{b,c,u,v} = \sum_{o,k,l} \bar y_{b,o,u-k+p,v-l+p}\, W_{o,c,k,l})",
        "dW[o,c,k,l] = Σ dy[b,o,i,j] x[b,c,i+k-p,j+l-p]    dx[b,c,u,v] = Σ dy[b,o,u-k+p,v-l+p] W[o,c,k,l]");
    lesson.text(
        "The second is a convolution again, with the kernel turned round. Both, and everything else of an encoder, "
        "against differences:");
}

void gradients(Lesson& lesson) {
    Generator gen(lesson.seed());
    const Parameter x = random_input("x", {{2, 'B'}, {2, 'C'}, {5, 'H'}, {4, 'W'}});
    Conv2d conv({.in = 2, .out = 3, .padding = 1, .dtype = DType::f64}, gen);
    std::vector<Parameter> inputs = parameters(conv);
    inputs.push_back(x);
    lesson.gradcheck("Convolution, 3 x 3, padding 1",
                     gradcheck(inputs, [&](Tape& t) { return std::vector<Var>{conv(t.watch(x))}; }));
    lesson.gradcheck("The largest of 2 x 2",
                     gradcheck({x}, [&](Tape& t) { return std::vector<Var>{max_pool2d(t.watch(x), {.kernel = 2})}; }));
    BatchNorm norm({.channels = 2, .dtype = DType::f64});
    inputs = parameters(norm);
    inputs.push_back(x);
    lesson.gradcheck("Batch normalisation, in training",
                     gradcheck(inputs, [&](Tape& t) { return std::vector<Var>{norm(t.watch(x), true)}; }));
}

void pooling_and_norm(Lesson& lesson) {
    lesson.section("Fewer places, numbers of one size", "Encoder (CNN)");
    lesson.text(
        "Between convolutions the largest number of each 2 x 2 places stays. That halves the picture, the next "
        "kernel sees twice as far, and where exactly a thing is matters less. Behind it stands $\\max(0, \\cdot)$, "
        "without which convolutions one after another would be one. (In front of it, it would do the same: the largest "
        "stays the largest.) And before both each channel is normalised over the batch and all places,");
    lesson.equation(
        R"(\hat x = \frac{x - \mu_c}{\sqrt{\sigma_c^2 + \mathrm{eps}}}, \qquad y = \gamma_c\, \hat x + \beta_c)",
        "x̂ = (x - μ_c) / √(σ_c² + eps)    y = γ_c x̂ + β_c");
    lesson.text(
        "so that no layer has to follow what those before it do to the scale of their outputs. In training $\\mu$ and "
        "$\\sigma$ are those of the batch, through which gradients flow; a picture's features then depend on its "
        "neighbours in the batch. Later there may be no batch: then running means take their place, gathered in "
        "training. A network evaluated in the wrong mode is the commonest mistake with it.");
    Generator gen(lesson.seed());
    Tensor x = Tensor::empty({8, 2, 4, 4}, DType::f64);
    gen.fill_normal(x, 3, 2);
    BatchNorm norm({.channels = 2, .dtype = DType::f64});
    Tape tape;
    lesson::Table table{.caption = "A channel of mean 3 and deviation 2, in training and by the running statistics",
                        .header = {"batches seen", "mean, training", "deviation", "mean, evaluation", "deviation"}};
    double worst = 0;
    for (int seen = 1; seen <= 30; seen++) {
        const Tensor trained = norm(tape.constant(x), true).value(), later = norm(tape.constant(x), false).value();
        const auto mean_of = [](const Tensor& t) { return mean(t).item(); };
        const auto deviation = [&](const Tensor& t) { return std::sqrt(mean(t * t).item() - std::pow(mean_of(t), 2)); };
        if (seen == 1 || seen == 5 || seen == 30)
            table.rows.push_back({seen, mean_of(trained), deviation(trained), mean_of(later), deviation(later)});
        worst = std::max({worst, std::abs(mean_of(trained)), std::abs(deviation(trained) - 1)});
    }
    lesson.table(table);
    lesson.check("in training the mean is 0 and the deviation 1, but for eps", worst, 1e-5);
    gradients(lesson);
}

void shapes(Lesson& lesson) {
    lesson.section("The encoder of this chapter", "Encoder (CNN)");
    Generator gen(lesson.seed());
    CaptionNetwork network({.vocabulary = 4}, gen);
    lesson.text(
        "Three convolutions of 3 x 3, two poolings: an emoji of 32 x 32 pixels becomes a grid of 8 x 8 *regions* with "
        "128 numbers each. (Larger pictures get more layers: 224 x 224 become 14 x 14.) A learnt vector is added for "
        "each place: a region that looks alike at the top and at the bottom may mean hair or a beard.");
    lesson::Table table{.header = {"layer", "weights", "numbers"}};
    for (size_t i = 0; i < network.convolutions.size(); i++) {
        table.rows.push_back({network.convolutions[i].pretty(), network.convolutions[i].W.value.shape().str(),
                              network.convolutions[i].W.value.size()});
    }
    table.rows.push_back({"vectors of the places", network.places.value.shape().str(), network.places.value.size()});
    lesson.table(table);
    Tape tape;
    const auto x = network.encode(tape, Tensor::zeros({5, 3, 32, 32}));
    lesson.check("five pictures are 64 regions of 128 numbers each", x.values.shape() == Shape{64, 5, 128});
}

}  // namespace

void tell_encoder(Lesson& lesson) {
    convolution(lesson);
    pooling_and_norm(lesson);
    shapes(lesson);
}

}  // namespace unroll
