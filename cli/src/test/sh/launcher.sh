#!/bin/sh
# Tests cli/tenon with a JDK, a Maven and a checkout that are made here: nothing is really built.
# Usage: cli/src/test/sh/launcher.sh [SHELL]
set -eu
shell=${1:-sh}
launcher=$(cd "$(dirname "$0")/../../.." && pwd)/tenon
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
home="$work/a checkout"
cd "$work"
unset JAVA_HOME TENON_JAVA_OPTS TENON_PACKAGED || :

# A JDK whose java prints what it is called with, and makes the cache that it is asked for.
jdk() { # jdk FOLDER VERSION
  mkdir -p "$1/bin"
  printf 'IMPLEMENTOR="x"\nJAVA_VERSION="%s"\n' "$2" > "$1/release"
  cat > "$1/bin/java" <<'END'
#!/bin/sh
for argument; do
  echo "<$argument>"
  case $argument in
    -XX:AOTCacheOutput=*) echo cache > "${argument#*=}" ;;
    exit=*) exit "${argument#*=}" ;;
  esac
done
echo "<LC_ALL ${LC_ALL-}>"
echo "<stdin $(readlink /dev/fd/0)>"
END
  chmod +x "$1/bin/java"
}
jdk jdk-25 25.0.1
jdk jdk-17 17.0.1

# A Maven that takes its time, writes a line for each call, and calls the launcher as ours does.
mkdir bin
cat > bin/mvn <<'END'
#!/bin/sh
echo "$$ $*" >> ../calls
[ ! -e ../broken ] || { echo '[ERROR] Main.java:[1,2] is wrong -> [Help 1]'; exit 1; }
sleep 1
mkdir -p cli/target/lib native/dist/x
: > native/dist/x/index
echo jar > cli/target/lib/tenon.jar
TENON_PACKAGED=$(date -u +%Y%m%d%H%M.%S) "$TEST_SHELL" cli/tenon
END
chmod +x bin/mvn
export TEST_SHELL="$shell"

checkout() {
  rm -rf "$home" calls broken
  mkdir -p "$home/cli/src/main" "$home/native"
  touch "$home/pom.xml" "$home/cli/src/main/Main.java" "$home/CMakeLists.txt"
  cp "$launcher" "$home/cli/tenon"
}
tenon() { PATH=$work/bin:$PATH JAVA_HOME=$work/jdk-25 "$shell" "$home/cli/tenon" "$@"; }
run() { tenon "$@" > out 2> err || status=$?; }
fail() {
  echo "FAILED: $test: $1"
  cat out err
  exit 1
}
has() { grep -qxF -- "$2" "$1" || fail "no line $2 in $1"; }
calls() { [ "$(wc -l < calls)" -eq "$1" ] || fail "$(wc -l < calls) builds, not $1"; }
later() { sleep 0.02; }

test="the first use builds, with one line, and runs; the second runs alone"
checkout
run run -p 'a b' '@file' '' '*'
has err 'Building Tenon (first use) …'; [ "$(wc -l < err)" -eq 1 ] || fail "more is said"
has out '<run>'; has out '<a b>'; has out '<@file>'; has out '<>'; has out '<*>'
has out '<dev.tenon.cli/dev.tenon.cli.Tenon>'; has out "<$home/cli/target/lib>"
grep -q '^<-XX:AOTCache=.*/jdk-25-25.0.1>' out || fail "it runs without the cache"
run version; [ ! -s err ] || fail "it says something"; calls 1

test="a source that changes is built, once"
later; touch "$home/cli/src/main/Main.java"
run version; has err 'Building Tenon (its sources have changed) …'
run version; calls 2

test="so is one that goes, and native libraries that have gone"
later; rm "$home/cli/src/main/Main.java"; run version; calls 3
rm -r "$home/native/dist"; run version; run version; calls 4

test="the exit status is that of the command"
status=0; run exit=7; [ $status -eq 7 ] || fail "status $status"

test="it is found through links, from another folder and from PATH"
ln -s "$home/cli/tenon" absolute; ln -s absolute relative
for name in ./absolute ./relative "$work/relative"; do
  JAVA_HOME=$work/jdk-25 "$shell" "$name" version > out 2> err; has out '<version>'
done
(cd "$home/cli" && JAVA_HOME=$work/jdk-25 "$shell" tenon version) > out 2> err; has out '<version>'
(cd / && PATH=$work:$PATH JAVA_HOME=$work/jdk-25 relative version) > out 2> err; has out '<version>'
calls 4

test="a JDK that is too old is passed over, one on PATH is found through links"
mkdir path; ln -s ../jdk-25/bin/java path/java
PATH=$work/path:$PATH JAVA_HOME=$work/jdk-17 "$shell" "$home/cli/tenon" version > out 2> err
has out '<version>'

test="TENON_JAVA_OPTS are passed on, and may choose the collector"
TENON_JAVA_OPTS='-Done=1 -XX:+UseG1GC' run version; has out '<-Done=1>'; has out '<-XX:+UseG1GC>'
if grep -q UseSerialGC out; then fail "two collectors"; fi

test="the locale is made UTF-8"
LC_ALL=C run version
if locale -a | grep -qi 'utf-*8$'; then
  grep -qiE '<LC_ALL .*utf-?8>' out || fail "it is not"
fi

test="a closed input is no file of Java's, and each terminal is told"
tenon version <&- > out 2> err || fail "status $?"
[ "$(sed -n 's/^<stdin \(.*\)>$/\1/p' out)" = / ] || fail "$(cat out)"
has out '<-Dtenon.terminals=>'

test="a build that fails says why and where the log is, and is tried again"
checkout; touch broken
status=0; run version; [ $status -eq 1 ] || fail "status $status"
has err '[ERROR] Main.java:[1,2] is wrong'; has err "tenon: the whole log is $home/build/tenon.log"
[ ! -s out ] || fail "it ran"
rm broken; run version; has out '<version>'

# Once with the system's flock, once with the folder in its place.
for kind in flock folder; do
  with_kind() {
    checkout
    if [ $kind = folder ]; then
      sed 's/if command -v flock .*; then/if false; then/' "$launcher" > "$home/cli/tenon"
    fi
  }

  test="of two first uses at once one builds, the other waits ($kind)"
  with_kind
  tenon one > out1 2> err1 &
  first=$!
  run two; wait $first
  has out '<two>'; has out1 '<one>'; calls 1

  command -v ps >/dev/null || continue
  test="a builder that was killed holds nobody up ($kind)"
  with_kind
  tenon one > out1 2> err1 &
  first=$!
  until [ -s calls ]; do sleep 0.1; done
  pid=$(cut -d ' ' -f 1 calls)
  all=
  while [ "$pid" -ne $$ ]; do # Maven, and what started it
    all="$all $pid"
    pid=$(ps -o ppid= -p $pid | tr -d ' ')
  done
  kill -9 $all
  wait $first || :
  run two; has out '<two>'; calls 2
done

test="a cache that cannot be made is not tried again"
checkout; run version
sed 's/AOTCacheOutput=\*)/none)/' jdk-25/bin/java > java; cat java > jdk-25/bin/java
rm -r "$home/cli/target/aot"; run version
until [ -e "$home/cli/target/aot/jdk-25-25.0.1" ]; do sleep 0.1; done
[ ! -s "$home/cli/target/aot/jdk-25-25.0.1" ] || fail "it was made"
run version; has out '<version>'; grep -q AOTCache out && fail "it is used"

echo "cli/tenon: all passed"
