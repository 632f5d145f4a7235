#!/bin/sh
# Tests fetch.cmake offline, against a small release made here: a repository with a ggml folder, the
# same as a bundle in an npm archive, and an npm that hands that archive out.
# Usage: native/test/fetch.sh [CMAKE]
set -eu
cmake=${1:-cmake}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE TENON_GGML_SOURCE || :
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
cd "$work"

# The release.
mkdir -p release/ggml/src release/other release/grammars
cd release
echo 'project(ggml)' > ggml/CMakeLists.txt
echo 'ignored.h' > ggml/.gitignore
echo 'int a;' > ggml/src/a.c
echo '#!/bin/sh' > ggml/src/tool.sh
chmod +x ggml/src/tool.sh
echo 'not ours' > other/file
echo 'root ::= "a"' > grammars/a.gbnf
git init -q .
git add -A
git commit -q -m release
git tag v1
git config uploadpack.allowFilter true
tree=$(git rev-parse HEAD:ggml)
grammars=$(git rev-parse HEAD:grammars)
mkdir -p ../package/llama
git bundle create -q ../package/llama/release.bundle HEAD v1
cd ..
tar czf good.tgz package

# npm: counts its calls, and gives what is in `answer`, if anything.
mkdir bin nothing
cat > bin/npm <<END
#!/bin/sh
echo >> "$work/calls"
[ ! -e "$work/slow" ] || sleep 1
[ ! -e "$work/answer" ] || cp "$work/answer" release-1.tgz
[ ! -e "$work/dies" ] || kill -9 \$PPID
[ -e "$work/answer" ]
END
chmod +x bin/npm
cat > fetch.cmake <<END
set(TENON_GGML_VERSION 1)
set(TENON_GGML_EXECUTABLES src/tool.sh)
set(TENON_GRAMMARS_TREE $grammars)
set(TENON_NPM_PACKAGE release@1)
set(TENON_NPM_SHA512 $("$cmake" -E sha512sum good.tgz | cut -d ' ' -f 1))
set(TENON_NPM_BUNDLE package/llama/release.bundle)
set(TENON_GGML_TAG v1)
include("$here/../fetch.cmake")
tenon_fetch_ggml("$work/to here/ggml-1")
END

fetch() { # fetch [-D…]: the output goes to `log`
  PATH=$work/bin:$PATH "$cmake" -D TENON_GGML_TREE=$tree \
    -D TENON_GGML_REPOSITORY=file://$work/none "$@" -P fetch.cmake > log 2>&1
}
refused() {
  if fetch "$@"; then fail "it went through"; fi
}
fresh() { rm -rf "to here" calls answer slow dies; }
good() {
  diff -r -x ignored.h release/ggml "to here/ggml-1/ggml" || fail "what is kept differs"
  [ -x "to here/ggml-1/ggml/src/tool.sh" ] || fail "an executable lost its bit"
  [ ! -e "to here/ggml-1/ggml/ignored.h" ] || fail "a stray file was kept"
  nothing_else
}
with_grammars() {
  diff -r release/grammars "to here/ggml-1/grammars" || fail "the grammars differ"
}
without_grammars() { [ ! -e "to here/ggml-1/grammars" ] || fail "grammars were kept"; }
none() {
  [ ! -e "to here/ggml-1" ] || fail "something was kept"
  nothing_else
}
nothing_else() { [ ! -e "to here/ggml-1.part" ] || fail "work was left behind"; }
said() { grep -q -- "$1" log || fail "it does not say: $1"; }
calls() { [ "$(wc -l < calls)" -eq "$1" ] || fail "npm was called $(wc -l < calls) times, not $1"; }
fail() {
  echo "FAILED: $test: $1"
  cat log
  exit 1
}

test="npm's archive is taken, once"
fresh; cp good.tgz answer
fetch; good; with_grammars; fetch; calls 1

test="an archive with another hash is not taken"
fresh; cp good.tgz answer; echo >> answer
refused; none; said "does not have its hash"; said "TENON_GGML_SOURCE"

test="where npm fails, git fetches the tag"
fresh
fetch -D TENON_GGML_REPOSITORY=file://$work/release; good; with_grammars

test="a tag with another tree is refused"
fresh
other=$(git -C release rev-parse HEAD:other)
refused -D TENON_GGML_REPOSITORY=file://$work/release -D TENON_GGML_TREE=$other
none; said "its tree is $tree"

test="with neither, one line says what to pass"
fresh
refused; none; said "Pass -DTENON_GGML_SOURCE="
[ "$(grep -c TENON_GGML_SOURCE log)" -eq 1 ] || fail "it says so more than once"

test="a checkout is taken, by its root or its ggml folder, whatever else lies in it"
for source in release release/ggml; do
  fresh; touch release/ggml/ignored.h
  fetch -D TENON_GGML_SOURCE="$work/$source"; good; with_grammars
  rm release/ggml/ignored.h
done

test="a copy is taken that is no git checkout, and lost its executable bits"
fresh; mkdir -p copy; cp -R release/ggml copy/; chmod -x copy/ggml/src/tool.sh
fetch -D TENON_GGML_SOURCE="$work/copy"; good; without_grammars; said "grammars are not there"

test="grammars that differ are not taken, and ggml is"
fresh; mkdir copy/grammars; echo 'root ::= "b"' > copy/grammars/a.gbnf
fetch -D TENON_GGML_SOURCE="$work/copy"; good; without_grammars
rm -r copy/grammars

test="a checkout with Windows line ends is taken"
fresh
for file in CMakeLists.txt src/a.c; do
  printf '%s\r\n' "$(cat release/ggml/$file)" > copy/ggml/$file
done
fetch -D TENON_GGML_SOURCE="$work/copy"; good

test="a source that differs in one byte is refused, also where a good one is kept"
echo 'int b;' > copy/ggml/src/a.c
refused -D TENON_GGML_SOURCE="$work/copy"; said "is not ggml 1"; good
fresh
refused -D TENON_GGML_SOURCE="$work/copy"; said "is not ggml 1"; none

test="a folder without ggml is refused"
fresh
refused -D TENON_GGML_SOURCE="$work/nothing"; said "there is no ggml in"; none

test="a fetch that was killed is not taken for a good one"
fresh; cp good.tgz answer; touch dies
refused
[ ! -e "to here/ggml-1" ] || fail "something was kept"
[ -e "to here/ggml-1.part" ] || fail "it was not killed half way"
rm dies; touch "to here/ggml-1.part/stray"
fetch; good

test="of two at once one fetches and the other waits"
fresh; cp good.tgz answer; touch slow
fetch & first=$!
fetch
wait $first || fail "the other one failed"
good; calls 1

echo "fetch.cmake: all passed"
