#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <tuple>

#include "data/augment.hpp"
#include "data/picture.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

const std::string pictures = std::string(UNROLL_ROOT) + "/tests/data/pictures/";

/// What make.py drew: (50 x, 100 y, 10 (x + y)).
int drawn(int64_t y, int64_t x, int c) { return static_cast<int>(c == 0 ? 50 * x : c == 1 ? 100 * y : 10 * (x + y)); }

void check_pixels(const Picture& p, int64_t height, int64_t width,
                  const std::function<double(int64_t, int64_t, int)>& of, double tolerance) {
    REQUIRE(p.height == height);
    REQUIRE(p.width == width);
    REQUIRE(static_cast<int64_t>(p.pixels.size()) == height * width * 3);
    double worst = 0;
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) worst = std::max(worst, std::abs(p.at(y, x)[c] - of(y, x, c)));
    CHECK(worst <= tolerance);
}

}  // namespace

TEST_CASE("load_picture: every kind of PNG") {
    for (const char* name : {"plain.png", "interlaced.png", "palette.png"}) {
        CAPTURE(name);
        check_pixels(load_picture(pictures + name), 3, 5, drawn, 0);
    }
    check_pixels(
        load_picture(pictures + "grey.png"), 3, 5,
        [](int64_t y, int64_t x, int) {
            return std::floor(0.299 * drawn(y, x, 0) + 0.587 * drawn(y, x, 1) + 0.114 * drawn(y, x, 2));
        },
        1);
    const auto on_white = [](int64_t y, int64_t x, int c) {
        const double opacity[] = {0, 0.2, 0.4, 0.8, 1};
        return drawn(y, x, c) * opacity[x] + 255 * (1 - opacity[x]);
    };
    for (const char* name : {"transparent.png", "animated.png"}) {
        CAPTURE(name);
        check_pixels(load_picture(pictures + name), 3, 5, on_white, 0.5);
    }
    check_pixels(
        load_picture(pictures + "grey16.png"), 3, 5,
        [](int64_t y, int64_t x, int) { return static_cast<double>(15 * (5 * y + x)); }, 0);
}

TEST_CASE("load_picture: every kind of JPEG") {
    const auto smooth = [](int64_t y, int64_t x, int c) {
        return static_cast<double>(c == 0 ? 10 * x : c == 1 ? 15 * y : 255 - 10 * x);
    };
    for (const char* name : {"smooth.jpg", "progressive.jpg", "cmyk.jpg"}) {
        CAPTURE(name);
        check_pixels(load_picture(pictures + name), 17, 24, smooth, 12);
    }
    const Picture grey = load_picture(pictures + "grey.jpg");
    for (int64_t x = 0; x < 24; x++) CHECK(grey.at(5, x)[0] == grey.at(5, x)[2]);
}

TEST_CASE("load_picture: what is damaged, cut off, too large or no picture is told in one line") {
    const TemporaryFolder folder;
    const auto message = [&](const std::string& content, const PictureLimits& limits = {}) {
        const std::string path = folder.write("p", content);
        const std::string what = error_of([&] { load_picture(path, limits); });
        CHECK(what.find(path + ": ") == 0);
        return what.empty() ? what : what.substr(path.size() + 2);
    };
    CHECK(message("") == "the file is empty");
    CHECK(message("a text named .png\n") == "is neither a PNG nor a JPEG picture");
    CHECK(message(content_of(pictures + "huge.png")) == "65000 x 65000 pixels, more than the limit of 67108864");
    CHECK(contains(message(content_of(pictures + "bomb.png")), "more than a picture of its size"));  // 10 MB of zeros
    CHECK(message(content_of(pictures + "no_pixels.png")) == "the picture has no pixels");
    CHECK(message(content_of(pictures + "plain.png"), {.pixels = 14}) == "5 x 3 pixels, more than the limit of 14");
    CHECK(message(content_of(pictures + "plain.png"), {.bytes = 20}) != "");
    // Each shorter file, each with one bit turned: an Error or (for JPEG, which has no checksums) a picture.
    for (const char* name : {"plain.png", "palette.png", "smooth.jpg", "progressive.jpg"}) {
        CAPTURE(name);
        const std::string whole = content_of(pictures + name);
        const bool png = std::string(name).find(".png") != std::string::npos;
        int accepted = 0;
        for (size_t n = 0; n < whole.size(); n++) {
            try {
                decode_picture(whole.substr(0, n), "x");
                accepted++;
            } catch (const Error&) {
            }
        }
        CHECK(accepted == 0);
        for (size_t i = 0; i < whole.size(); i++) {
            std::string bad = whole;
            bad[i] = static_cast<char>(bad[i] ^ (1 << i % 8));
            try {
                decode_picture(bad, "x");
                accepted++;
            } catch (const Error&) {
            }
        }
        if (png) CHECK(accepted == 0);
    }
    // A scan again and again, each over all pixels.
    std::string scans = content_of(pictures + "progressive.jpg");
    const size_t scan = scans.rfind("\xFF\xDA");
    const std::string again = scans.substr(scan, scans.size() - 2 - scan);
    for (int i = 0; i < 100; i++) scans.insert(scan, again);
    CHECK(message(scans) == "more than 100 scans of one picture");
    std::string motion = content_of(pictures + "progressive.jpg");  // a film behind a photograph
    for (int i = 0; i < 200; i++) motion += "\xFF\xDA film";
    CHECK(decode_picture(motion, "x").width == decode_picture(content_of(pictures + "progressive.jpg"), "x").width);
    const std::string plain = content_of(pictures + "plain.png");
    CHECK(message(plain.substr(0, plain.size() - 3)) == "the picture is cut off");
    CHECK(contains(message(plain.substr(0, 45) + "x" + plain.substr(46)), "a checksum differs"));
    const std::string control_characters = plain.substr(0, 33) + std::string("\0\0\0\0\r\n\0\1", 8) + plain.substr(33);
    CHECK(contains(message(control_characters), "a chunk without a name"));
    CHECK(contains(error_of([&] { load_picture(folder / "nothing"); }), "nothing: "));
}

TEST_CASE("resized: as PIL's bilinear filter") {
    const Picture noise = load_picture(pictures + "noise.png");
    for (const auto& [name, height, width] :
         {std::tuple{"noise_smaller.png", 5, 6}, std::tuple{"noise_larger.png", 15, 40},
          std::tuple{"noise.png", 13, 17}}) {
        const Picture expected = load_picture(pictures + name);
        check_pixels(
            resized(noise, height, width), height, width,
            [&](int64_t y, int64_t x, int c) { return expected.at(y, x)[c]; }, 1);
    }
    CHECK(resized(noise, 1, 1).pixels.size() == 3);
    CHECK(contains(error_of([&] { resized(noise, 0, 3); }), "0 x 3 pixels"));
}

TEST_CASE("shifted: the border is repeated") {
    const Picture p{2, 3, {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6}};
    const auto reds = [](const Picture& q) {
        std::vector<int> all;
        for (size_t i = 0; i < q.pixels.size(); i += 3) all.push_back(q.pixels[i]);
        return all;
    };
    CHECK(reds(shifted(p, 0, 0)) == std::vector<int>{1, 2, 3, 4, 5, 6});
    CHECK(reds(shifted(p, 1, 0)) == std::vector<int>{1, 2, 3, 1, 2, 3});
    CHECK(reds(shifted(p, 0, -1)) == std::vector<int>{2, 3, 3, 5, 6, 6});
    CHECK(reds(shifted(p, -5, 2)) == std::vector<int>{4, 4, 4, 4, 4, 4});
}

TEST_CASE("cropped, mirrored, squared") {
    const Picture p = load_picture(pictures + "plain.png");
    check_pixels(
        cropped(p, 1, 2, 2, 3), 2, 3, [](int64_t y, int64_t x, int c) { return drawn(y + 1, x + 2, c); }, 0);
    check_pixels(
        mirrored(p), 3, 5, [](int64_t y, int64_t x, int c) { return drawn(y, 4 - x, c); }, 0);
    check_pixels(
        squared(p, 3), 3, 3, [](int64_t y, int64_t x, int c) { return drawn(y, x + 1, c); }, 0);
    CHECK(contains(error_of([&] { cropped(p, 2, 0, 2, 5); }), "cropped (test_picture.cpp:"));
    CHECK(contains(error_of([&] { cropped(p, 0, 0, 3, 5 + (int64_t{1} << 62)); }), "of a picture of 3 x 5"));
}

TEST_CASE("to_tensor: colours as channels, normalised") {
    const Picture p = load_picture(pictures + "plain.png");
    const PixelScale scale{.mean = {0.1f, 0.2f, 0.3f}, .std = {1, 2, 4}};
    const Tensor x = to_tensor({p, mirrored(p)}, scale);
    CHECK(x.shape().str() == "[B=2, C=3, H=3, W=5]");
    const double std[] = {1, 2, 4};
    for (int64_t y = 0; y < 3; y++)
        for (int64_t i = 0; i < 5; i++)
            for (int c = 0; c < 3; c++) {
                const double expected = (drawn(y, i, c) / 255.0 - 0.1 * (c + 1)) / std[c];
                CHECK(x.at({0, c, y, i}) == doctest::Approx(expected).epsilon(1e-5));
                CHECK(x.at({1, c, y, 4 - i}) == x.at({0, c, y, i}));
            }
    CHECK(contains(error_of([&] { to_tensor({p, cropped(p, 0, 0, 3, 4)}); }), "3 x 5 and of 3 x 4 pixels"));
    CHECK(contains(error_of([&] { to_tensor({}); }), "there are no pictures"));
}
