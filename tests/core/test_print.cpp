#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "core/print.hpp"
#include "core/tape.hpp"

using namespace unroll;

namespace {

const double not_a_number = std::nan("");
const double inf = std::numeric_limits<double>::infinity();

std::string of(const Literal& values) { return to_string(Tensor::of(values, DType::f64)); }

Tensor counting(const Shape& shape, double scale = 1) {
    Tensor t = Tensor::empty(shape, DType::f64);
    for (int64_t i = 0; i < t.size(); i++) t.set_flat(i, scale * static_cast<double>(i));
    return t;
}

int lines(const std::string& text) { return 1 + static_cast<int>(std::count(text.begin(), text.end(), '\n')); }

}  // namespace

TEST_CASE("print: scalars, empty tensors and none at all are one line") {
    CHECK(to_string(Tensor::full({}, 1.256)) == "[] f32 1.256");
    CHECK(to_string(Tensor::full({}, -3, DType::f64)) == "[] f64 -3");
    CHECK(to_string(Tensor::full({}, not_a_number)) == "[] f32 NaN");
    CHECK(to_string(Tensor::zeros({{0, 'T'}, {3, 'B'}})) == "[T=0, B=3] f32 []");
    CHECK(to_string(Tensor::zeros({3, 0})) == "[3, 0] f32 []");
    CHECK(to_string(Tensor()) == "(no tensor)");
    CHECK(to_string(Ids()) == "(no ids)");
}

TEST_CASE("print: one to four dimensions, with axis names") {
    CHECK(to_string(Tensor::of({0.25, -1.5, 10}).named("H")) == "[H=3] f32\n[ 0.25 -1.50 10.00]");
    CHECK(to_string(Tensor::of({{1, 2}, {-3, 4}}, DType::f64).named("BH")) == "[B=2, H=2] f64\n[[ 1  2]\n [-3  4]]");
    CHECK(to_string(counting({{2, 'T'}, {2, 'B'}, {3, 'H'}}, 0.5)) ==
          "[T=2, B=2, H=3] f64\n"
          "t=0  [[0.0 0.5 1.0]\n"
          "      [1.5 2.0 2.5]]\n"
          "t=1  [[3.0 3.5 4.0]\n"
          "      [4.5 5.0 5.5]]");
    CHECK(to_string(counting({{11, 'N'}, 1, 1, 2}).slice(9, 11)) ==
          "[N=2, 1, 1, 2] f64\n"
          "n=0 0  [[18 19]]\n"
          "n=1 0  [[20 21]]");
    CHECK(to_string(counting({1, 1, 1, 1})) == "[1, 1, 1, 1] f64\n0 0  [[0]]");
}

TEST_CASE("print: labels of unequal width keep the matrices aligned") {
    const std::string text = to_string(counting({{11, 'T'}, 1, 1}));
    CHECK(text.find("t=9   [[ 9]]\nt=10  [[10]]") != std::string::npos);
}

TEST_CASE("print: numbers of one tensor share a format") {
    CHECK(of({1, 2, 3}) == "[3] f64\n[1 2 3]");
    CHECK(of({1, 2.5}) == "[2] f64\n[1.0 2.5]");
    CHECK(of({1.0 / 3, 12345.678}) == "[2] f64\n[    0.3333 12345.6780]");
    CHECK(of({1e-10, 1e10, 0.5, 0}) == "[4] f64\n[1e-10 1e+10 5e-01     0]");
    CHECK(of({1.2345678e-7, -2e-7}) == "[2] f64\n[ 1.2346e-07 -2.0000e-07]");
    CHECK(of({1e300, -5e-324}) == "[2] f64\n[ 1.0000e+300 -4.9407e-324]");
    CHECK(of({123456789, 1}) == "[2] f64\n[123456789         1]");
    CHECK(of({1e15, 1}) == "[2] f64\n[1e+15 1e+00]");
    CHECK(of({999999.99999, 0.5}) == "[2] f64\n[1000000.0       0.5]");
    // What a fixed format would show as 0.0000 is no zero.
    CHECK(of({1, 0.00001}) == "[2] f64\n[1e+00 1e-05]");
    CHECK(to_string(Tensor::of({0.5, 0.0001})) == "[2] f32\n[0.5000 0.0001]");
}

TEST_CASE("print: NaN, infinities, and no -0") {
    CHECK(of({not_a_number, inf, -inf, 0.5}) == "[4] f64\n[ NaN  inf -inf  0.5]");
    CHECK(of({-not_a_number, inf}) == "[2] f64\n[NaN inf]");
    CHECK(of({-0.0, 0}) == "[2] f64\n[0 0]");
    CHECK(of({-0.0, 0.5}) == "[2] f64\n[0.0 0.5]");
    CHECK(of({-0.0, 1e-9}) == "[2] f64\n[    0 1e-09]");
}

TEST_CASE("print: options") {
    const Tensor t = Tensor::of({1.0 / 3, 2.0 / 3}, DType::f64);
    CHECK(to_string(t, {.precision = 2}) == "[2] f64\n[0.33 0.67]");
    CHECK(to_string(t, {.precision = 17}) == "[2] f64\n[0.33333333333333331 0.66666666666666663]");
    CHECK(to_string(t, {.precision = 100}) == to_string(t, {.precision = 17}));
    CHECK(to_string(t, {.precision = -1}) == "[2] f64\n[3e-01 7e-01]");
    CHECK(to_string(counting({10}), {.threshold = 9, .edge_items = 2}) == "[10] f64\n[0 1 … 8 9]");
    CHECK(to_string(counting({10}), {.threshold = 9, .edge_items = 0}) == "[10] f64\n[…]");
    CHECK(to_string(counting({3, 3}), {.threshold = 0, .edge_items = 1}) ==
          "[3, 3] f64\n"
          "[[0 … 2]\n"
          " …\n"
          " [6 … 8]]");
}

TEST_CASE("print: above the threshold the middle of each long dimension is left out") {
    CHECK(to_string(counting({1000})).find("…") == std::string::npos);
    CHECK(to_string(counting({1001})) == "[1001] f64\n[   0    1    2 …  998  999 1000]");
    CHECK(to_string(counting({1, 1001})) == "[1, 1001] f64\n[[   0    1    2 …  998  999 1000]]");
    CHECK(to_string(counting({501, 2})) ==
          "[501, 2] f64\n"
          "[[   0    1]\n"
          " [   2    3]\n"
          " [   4    5]\n"
          " …\n"
          " [ 996  997]\n"
          " [ 998  999]\n"
          " [1000 1001]]");
    // The numbers left out have no say in the format.
    Tensor t = Tensor::zeros({2000});
    t.set({1000}, 1e-30);
    CHECK(to_string(t) == "[2000] f32\n[0 0 0 … 0 0 0]");

    const std::string deep = to_string(counting({{20, 'N'}, {2, 'C'}, 10, 10}), {.edge_items = 1});
    CHECK(deep ==
          "[N=20, C=2, 10, 10] f64\n"
          "n=0 c=0   [[   0 …    9]\n"
          "           …\n"
          "           [  90 …   99]]\n"
          "n=0 c=1   [[ 100 …  109]\n"
          "           …\n"
          "           [ 190 …  199]]\n"
          "…\n"
          "n=19 c=0  [[3800 … 3809]\n"
          "           …\n"
          "           [3890 … 3899]]\n"
          "n=19 c=1  [[3900 … 3909]\n"
          "           …\n"
          "           [3990 … 3999]]");
    CHECK(lines(to_string(Tensor::zeros({100, 100, 100, 10}))) < 400);
}

TEST_CASE("print: long rows are wrapped") {
    const std::string text = to_string(counting({2, 10}), {.line_width = 20});
    CHECK(text ==
          "[2, 10] f64\n"
          "[[ 0  1  2  3  4\n"
          "   5  6  7  8  9]\n"
          " [10 11 12 13 14\n"
          "  15 16 17 18 19]]");
    CHECK(to_string(counting({3}), {.line_width = 0}) == "[3] f64\n[0\n 1\n 2]");
}

TEST_CASE("print: ids are whole numbers") {
    CHECK(to_string(Ids({1, 22, -100})) == "[3] ids\n[   1   22 -100]");
    CHECK(to_string(Ids({2147483647, -2147483648})) == "[2] ids\n[ 2147483647 -2147483648]");
    CHECK(to_string(Ids({1, 2, 3, 4}, Shape{{2, 'T'}, {2, 'B'}})) == "[T=2, B=2] ids\n[[1 2]\n [3 4]]");
}

TEST_CASE("print: writes to standard output, with a name, for tensors, ids and variables") {
    // The descriptor is what a reader sees; the C stream is turned to a file and back.
    std::fflush(stdout);
    const int terminal = dup(1);
    std::FILE* file = std::tmpfile();
    REQUIRE(file != nullptr);
    dup2(fileno(file), 1);
    print("h", Tensor::of({1, 2}).named("H"));
    print(Ids({3}));
    Tape tape;
    print(tape.input(Tensor::full({}, 0.5)));
    print("loss", tape.input(Tensor::full({}, 2)));
    std::fflush(stdout);
    dup2(terminal, 1);
    close(terminal);
    std::rewind(file);
    std::string text(1000, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    CHECK(text == "h [H=2] f32\n[1 2]\n[1] ids\n[3]\n[] f32 0.5\nloss [] f32 2\n");
}
