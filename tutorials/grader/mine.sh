# mine.sh OUTPUT GRADE CHAPTER RECORDED ANSWERS SOURCE CODE: writes the program that grades a reader's mine.cpp.
quote() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

{
    echo '#!/bin/sh'
    echo "exec $(quote "$(realpath "$2")") --chapter $(quote "$3") --recorded $(quote "$4") \\"
    echo "    --answers $(quote "$(realpath "$5")") --source $(quote "$(realpath "$6")") --code $(quote "$(realpath "$7")") \"\$@\""
} >"$1"
chmod +x "$1"
