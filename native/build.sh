#!/bin/sh
# The native build as Maven runs it. Usage: native/build.sh [-DTENON_CUDA=ON …]
# What it lacks it names in one line.
set -eu
here=$(dirname "$0")

need() { # need NAME COMMAND…: one of the commands must be there
  name=$1
  shift
  for command; do
    if command -v "$command" >/dev/null 2>&1; then return; fi
  done
  echo "Tenon's native build needs $name, and there is no $* on PATH" >&2
  exit 1
}
need "CMake 3.25 or newer" cmake
need git git
need "a C compiler" ${CC:-cc gcc clang}
need "a C++ compiler" ${CXX:-c++ g++ clang++}
need "make or ninja" ninja make

exec cmake -D "options=$*" -P "$here/build.cmake"
