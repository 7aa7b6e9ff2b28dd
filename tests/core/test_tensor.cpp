#include "core/ids.hpp"
#include "core/kernels/parallel.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "core/tensor.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

TEST_CASE("Shape: sizes, letters, text") {
    const Shape s{{7, 'T'}, {3, 'B'}, 5};
    CHECK(s.rank() == 3);
    CHECK(s[0] == 7);
    CHECK(s[-1] == 5);
    CHECK(s.axis(1) == 'B');
    CHECK(s.axis(-1) == 0);
    CHECK(s.size() == 105);
    CHECK(s.rows() == 21);
    CHECK(s.str() == "[T=7, B=3, 5]");
    CHECK(Shape{}.str() == "[]");
    CHECK(Shape{}.size() == 1);
    CHECK(Shape{}.rows() == 1);
    CHECK(Shape{0, 3}.size() == 0);
    CHECK(s == Shape{7, 3, 5});  // letters are never compared
    CHECK_FALSE(s == Shape{7, 3});
    CHECK_FALSE(s == Shape{7, 5, 3});
    CHECK(s.without(1).str() == "[T=7, 5]");
    CHECK(s.without(-1).str() == "[T=7, B=3]");
    CHECK(s.with(-1, {4, 'H'}).str() == "[T=7, B=3, H=4]");
    CHECK(s.append({2, 'H'}).str() == "[T=7, B=3, 5, H=2]");
    CHECK(s.prepend({2, 'L'}).str() == "[L=2, T=7, B=3, 5]");
    CHECK(s.named("XYZ").str() == "[X=7, Y=3, Z=5]");
    CHECK(s.named("X").str() == "[X=7, B=3, 5]");
    CHECK(s.place(0) == "[0, 0, 0]");
    CHECK(s.place(104) == "[6, 2, 4]");
    CHECK(Shape{4}.place(2) == "[2]");
    CHECK(Shape{}.place(0) == "[]");
}

TEST_CASE("Shape: refused") {
    CHECK(failure([] { Shape({2, -1}); }) == "Shape (HERE): dimension 1 is -1, sizes are 0 or more");
    CHECK(failure([] { Shape({1, 1, 1, 1, 1}); }) == "Shape (HERE): 5 dimensions, at most 4 are supported");
    const int64_t big = int64_t{1} << 62;
    CHECK(failure([&] { Shape({big, big}); }).find("has more than 2^48 elements") != std::string::npos);
    CHECK(failure([&] { Shape({1 << 24, 1 << 24, 2}); }).find("has more than 2^48 elements") != std::string::npos);
    CHECK(failure([&] { Shape({0, big}); }).find("has more than 2^48 elements") != std::string::npos);
    CHECK(failure([&] { Shape({big, 0}); }).find("has more than 2^48 elements") != std::string::npos);
    const Shape small{2, 3};
    CHECK(contains(failure([&] { small.with(0, big); }), "has more than 2^48 elements"));
    CHECK(contains(failure([&] { small.append(int64_t{1} << 47); }), "has more than 2^48 elements"));
    CHECK(contains(failure([&] { small.prepend(-1); }), "dimension 0 is -1"));
    CHECK(contains(failure([&] { Tensor::zeros({4}).reshape({big + 1, 4}); }), "has more than 2^48 elements"));
    CHECK(contains(failure([&] { Tensor::zeros({0}).reshape({int64_t{1} << 32, int64_t{1} << 32}); }), "2^48"));
    for (int i : {2, 4, -3}) CHECK(contains(failure([&] { small[i]; }), fmt::format("dimension {} of [2, 3]", i)));
    CHECK(small[-2] == 2);
    CHECK(failure([] { Shape({1, 2, 3, 4}).append(5); }) == "Shape (HERE): [1, 2, 3, 4] has 4 dimensions already");
    CHECK(failure([] { Shape({1, 2, 3, 4}).prepend(5); }) == "Shape (HERE): [1, 2, 3, 4] has 4 dimensions already");
}

TEST_CASE("Tensor: made from numbers") {
    for (DType dtype : both_types) {
        const Tensor a = Tensor::of({{1, 2, 3}, {4, 5, 6.5}}, dtype);
        CHECK(a.shape() == Shape{2, 3});
        CHECK(a.dtype() == dtype);
        CHECK(a.to_vector() == std::vector<double>{1, 2, 3, 4, 5, 6.5});
        CHECK(a.at({1, 2}) == 6.5);
        CHECK(Tensor::of(3, dtype).shape() == Shape{});
        CHECK(Tensor::of(3, dtype).item() == 3);
        CHECK(Tensor::of({3}, dtype).shape() == Shape{1});
        CHECK(Tensor::of({{{{1}, {2}}}}, dtype).shape() == Shape{1, 1, 2, 1});
        CHECK(Tensor::from({1, 2, 3, 4}, {2, 2}, dtype).at({1, 0}) == 3);
        CHECK(Tensor::zeros({2, 2}, dtype).to_vector() == std::vector<double>(4, 0.0));
        CHECK(Tensor::full({3}, 2.5, dtype).to_vector() == std::vector<double>(3, 2.5));
        CHECK(Tensor::empty({0, 4}, dtype).size() == 0);
        CHECK(Tensor::from({}, {0}, dtype).size() == 0);
    }
    CHECK(Tensor::of(std::initializer_list<Literal>{}).shape() == Shape{0});
    CHECK(failure([] { Tensor::of({{1, 2}, {3}}); }) == "Tensor::of (HERE): the rows are not all of one length");
    CHECK(failure([] { Tensor::of({{1, 2}, 3}); }) == "Tensor::of (HERE): the rows are not all of one length");
    CHECK(failure([] { Tensor::of({1, {2}}); }) == "Tensor::of (HERE): the rows are not all of one length");
    CHECK(failure([] { Tensor::of({{1}, {}}); }) == "Tensor::of (HERE): the rows are not all of one length");
    CHECK(failure([] { Tensor::of({{{{{1}}}}}); }).find("has 4 dimensions already") != std::string::npos);
    CHECK(failure([] { Tensor::from({1, 2}, {3}); }) == "Tensor::from (HERE): 2 numbers for the shape [3]");
}

TEST_CASE("Tensor: copies share, clone copies") {
    Tensor a = Tensor::of({1, 2, 3});
    Tensor b = a;
    CHECK(b.same_storage(a));
    CHECK_FALSE(a.sole_owner());
    b.set({0}, 9);
    CHECK(a.at({0}) == 9);
    Tensor c = a.clone();
    CHECK(c.sole_owner());
    c.set({0}, 1);
    CHECK(a.at({0}) == 9);
    a = std::move(b);
    CHECK_FALSE(b.defined());
    CHECK(a.sole_owner());
    a = *&a;  // assigned to itself
    CHECK(a.at({0}) == 9);
    CHECK_FALSE(Tensor().clone().defined());
}

TEST_CASE("Tensor: views") {
    Tensor a = Tensor::of({{1, 2}, {3, 4}, {5, 6}}).named("TB");
    CHECK(a.shape().str() == "[T=3, B=2]");
    CHECK(a.row(1).to_vector() == std::vector<double>{3, 4});
    CHECK(a.row(1).shape().str() == "[B=2]");
    CHECK(a[2].at({1}) == 6);
    CHECK(a.slice(1, 3).to_vector() == std::vector<double>{3, 4, 5, 6});
    CHECK(a.slice(1, 3).shape().str() == "[T=2, B=2]");
    CHECK(a.slice(1, 1).size() == 0);
    CHECK(a.slice(3, 3).size() == 0);
    CHECK(a.slice(1, 3).slice(1, 2).to_vector() == std::vector<double>{5, 6});
    CHECK(a.reshape({2, 3}).at({1, 0}) == 4);
    CHECK(a.reshape({-1}).shape() == Shape{6});
    CHECK(a.reshape({3, -1, 1}).shape() == Shape{3, 2, 1});
    CHECK(a.reshape(Shape{{6, 'N'}}).shape().str() == "[N=6]");
    CHECK(Tensor::zeros({0, 3}).reshape({0, 5}).shape() == Shape{0, 5});
    a.row(1).fill(0);
    CHECK(a.to_vector() == std::vector<double>{1, 2, 0, 0, 5, 6});
    CHECK(Tensor::of({7, 8}).row(0).shape() == Shape{});
    CHECK(Tensor::of({7, 8}).row(1).item() == 8);

    CHECK(failure([&] { a.row(3); }) == "row (HERE): row 3 of [T=3, B=2]");
    CHECK(failure([&] { a.row(-1); }) == "row (HERE): row -1 of [T=3, B=2]");
    CHECK(failure([&] { Tensor::of(1).row(0); }) == "row (HERE): row 0 of []");
    CHECK(failure([&] { a.slice(1, 4); }) == "slice (HERE): rows 1 to 4 of [T=3, B=2]");
    CHECK(failure([&] { a.slice(2, 1); }) == "slice (HERE): rows 2 to 1 of [T=3, B=2]");
    CHECK(failure([&] { a.slice(-1, 1); }) == "slice (HERE): rows -1 to 1 of [T=3, B=2]");
    CHECK(failure([&] { Tensor::of(1).slice(0, 1); }) == "slice (HERE): a scalar has no rows");
    CHECK(failure([&] { a.reshape({4, 2}); }) == "reshape (HERE): [T=3, B=2] has 6 elements, [4, 2] has 8");
    CHECK(failure([&] { a.reshape({-1, -1}); }) == "reshape (HERE): more than one size is -1");
    CHECK(failure([&] { a.reshape({-1, 4}); }) == "reshape (HERE): [T=3, B=2] doesn't divide into rows of 4");
    CHECK(failure([&] { a.reshape({-1, 0}); }) == "reshape (HERE): [T=3, B=2] doesn't divide into rows of 0");
    CHECK(failure([&] { a.reshape({-2, -3}); }) == "reshape (HERE): a size is -2");
    CHECK(failure([&] { a.reshape({-1, -2}); }) == "reshape (HERE): a size is -2");
    CHECK(failure([&] { a.reshape({1, 1, 1, 1, 6}); }).find("has 4 dimensions already") != std::string::npos);
}

TEST_CASE("Tensor: elements") {
    Tensor a = Tensor::zeros({{2, 'T'}, 3});
    a.set({1, 2}, 0.1);
    CHECK(a.at({1, 2}) == static_cast<double>(0.1f));
    CHECK(a.flat(5) == static_cast<double>(0.1f));
    a.set_flat(0, 7);
    CHECK(a.at({0, 0}) == 7);
    CHECK(failure([&] { a.at({2, 0}); }) == "at (HERE): index [2, 0] is outside of [T=2, 3]");
    CHECK(failure([&] { a.at({0, -1}); }) == "at (HERE): index [0, -1] is outside of [T=2, 3]");
    CHECK(failure([&] { a.at({0}); }) == "at (HERE): index [0] is outside of [T=2, 3]");
    CHECK(failure([&] { a.set({0, 0, 0}, 1); }) == "at (HERE): index [0, 0, 0] is outside of [T=2, 3]");
    CHECK(failure([&] { a.item(); }) == "item (HERE): the tensor [T=2, 3] has 6 elements, expected one");
    CHECK(failure([&] { Tensor().item(); }) == "item (HERE): the tensor [] has 0 elements, expected one");
    CHECK(failure([&] { a.data<double>(); }) == "Tensor::data: a tensor of f32 read as f64");
    for (int64_t i : {-1, 6, 5'000'000}) {
        CHECK(contains(failure([&] { a.flat(i); }), fmt::format("element {} of [T=2, 3]", i)));
        CHECK(contains(failure([&] { a.set_flat(i, 1); }), fmt::format("element {} of [T=2, 3]", i)));
    }
    CHECK(failure([&] { Tensor().flat(0); }) == "Tensor::data: an empty Tensor: no numbers were ever put in");
    CHECK(failure([&] { Tensor().to_vector(); }) == "Tensor::data: an empty Tensor: no numbers were ever put in");
    CHECK(failure([&] { Tensor().fill(1); }) == "Tensor::data: an empty Tensor: no numbers were ever put in");
}

TEST_CASE("Tensor: types, copying, in place") {
    const Tensor a = Tensor::of({0.1, 1e-50, -3}, DType::f64);
    const Tensor b = a.to(DType::f32);
    CHECK(b.to_vector() == std::vector<double>{static_cast<double>(0.1f), 0, -3});
    CHECK(b.to(DType::f64).dtype() == DType::f64);
    CHECK(a.to(DType::f64).same_storage(a));
    for (DType dtype : both_types) {
        Tensor c = Tensor::of({1, 2, 3}, dtype);
        c += Tensor::of({10, 20, 30}, dtype);
        CHECK(c.to_vector() == std::vector<double>{11, 22, 33});
        c += c;
        c *= 0.5;
        CHECK(c.to_vector() == std::vector<double>{11, 22, 33});
        c.copy_from(Tensor::of({4, 5, 6}, dtype));
        CHECK(c.to_vector() == std::vector<double>{4, 5, 6});
        const int64_t n = 100003;
        Tensor big = random({n}, dtype, 1), more = random({n}, dtype, 2), expected = big.clone();
        for (int64_t i = 0; i < n; i++) expected.set_flat(i, big.flat(i) + more.flat(i));
        big += more;
        CHECK(big.to_vector() == expected.to_vector());
    }
    Tensor x = Tensor::zeros({2, 3});
    CHECK(failure([&] { x += Tensor::zeros({3, 2}); }) == "+=: [3, 2] f32 to [2, 3] f32");
    CHECK(failure([&] { x += Tensor::zeros({2, 3}, DType::f64); }) == "+=: [2, 3] f64 to [2, 3] f32");
    CHECK(failure([&] { x.copy_from(Tensor::zeros({6})); }) == "copy_from (HERE): [6] f32 into [2, 3] f32");
    CHECK(failure([&] { Tensor::full({}, 1).copy_from(Tensor()); }) == "copy_from (HERE): an empty Tensor");
    CHECK(failure([&] { Tensor().copy_from(Tensor()); }) == "copy_from (HERE): an empty Tensor");
    // Parts of one storage that overlap: as if the source had been read before.
    const int usual = kernels::threads();
    for (int threads : {1, 2, 3}) {
        kernels::set_threads(threads);
        Tensor y = Tensor::full({1'000'001}, 1);
        Tensor later = y.slice(1, 1'000'001);
        later += y.slice(0, 1'000'000);
        CHECK(sum(y).item() == 2'000'001);
    }
    kernels::set_threads(usual);
    CHECK_FALSE(has_nonfinite(x));
    x.set({1, 1}, NAN);
    CHECK(has_nonfinite(x));
}

TEST_CASE("Tensor: every write counts as a version") {
    Tensor a = Tensor::zeros({2, 2});
    uint32_t v = a.version();
    const auto changed = [&] {
        const bool yes = a.version() != v;
        v = a.version();
        return yes;
    };
    a.data<float>();
    a.at({0, 0});
    CHECK_FALSE(changed());
    a.set({0, 0}, 1);
    CHECK(changed());
    a.fill(2);
    CHECK(changed());
    a += a.clone();
    CHECK(changed());
    a *= 2;
    CHECK(changed());
    a.copy_from(Tensor::zeros({2, 2}));
    CHECK(changed());
    a.row(1).set({0}, 3);  // through a view
    CHECK(changed());
    a.mutable_data<float>();
    CHECK(changed());
}

TEST_CASE("Ids") {
    const Ids a({1, 2, 3, 4, 5, 6}, {{3, 'T'}, {2, 'B'}});
    CHECK(a.shape().str() == "[T=3, B=2]");
    CHECK(a[3] == 4);
    CHECK(a.row(1)[0] == 3);
    CHECK(a.row(1).shape().str() == "[B=2]");
    CHECK(a.slice(1, 3)[3] == 6);
    CHECK(a.reshape({6}).shape() == Shape{6});
    CHECK(Ids({7, 8}).shape() == Shape{2});
    CHECK(Ids(std::vector<int32_t>{}).size() == 0);
    Ids b = a, c = a.clone();
    b.mutable_data()[0] = 9;
    CHECK(a[0] == 9);
    CHECK(c[0] == 1);
    CHECK(failure([] { Ids({1, 2}, {3}); }) == "Ids (HERE): 2 numbers for the shape [3]");
    CHECK(failure([&] { a.row(3); }) == "slice (HERE): rows 3 to 4 of [T=3, B=2]");
    CHECK(failure([&] { a.slice(2, 1); }) == "slice (HERE): rows 2 to 1 of [T=3, B=2]");
    CHECK(failure([&] { a.reshape({5}); }) == "reshape (HERE): [T=3, B=2] into [5]");
}

TEST_CASE("a Parameter needs a tensor") {
    CHECK(failure([] { Parameter("W_hh", Tensor()); }) == "Parameter W_hh: its value is an empty Tensor");
}
