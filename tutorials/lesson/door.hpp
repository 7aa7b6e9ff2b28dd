#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The chapters' one door to files, terminal and clock: another host (a browser) needs another door.cpp and nothing
/// else.
namespace unroll::lesson::door {

bool output_is_terminal();  // stdout can be redrawn in place: a terminal, and not TERM=dumb
bool colours();             // and NO_COLOR is not set
int terminal_width();       // columns of the terminal; COLUMNS, else 80, where there is none

void write(std::string_view text);        // to stdout, at once
void write_error(std::string_view text);  // to stderr
/// The next command for the stepper; nothing at the end of input. On a terminal one key is a command by itself (arrows
/// and Enter come as "n" and "b"), but t, p and g, which take the rest of a line; otherwise a command is a line.
std::optional<std::string> read_command();

/// While it lives, the first Ctrl-C (or SIGTERM) is a wish that asked() tells; a second one ends the program at once.
class Interrupt {
  public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;
    bool asked() const;
};

double seconds();  // monotonic

bool exists(const std::string& path);  // a file or folder; false where it can't be told
/// The names in a folder, sorted; none where it can't be read.
std::vector<std::string> entries(const std::string& folder);
/// Makes the folder of a file that will be written, and throws Error where it could not be: better now than after
/// training.
void prepare_file(const std::string& path);
/// Writes the whole file or leaves the old one as it was; makes its folder. Throws Error naming the path.
void replace_file(const std::string& path, std::string_view content);

/// Where the build lies that the running program belongs to (the nearest folder above it that a build made), else the
/// program's own folder.
std::string build_folder();
std::string machine();  // "AMD EPYC 7B13, 2 cores"

}  // namespace unroll::lesson::door
