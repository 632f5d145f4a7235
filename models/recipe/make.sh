#!/usr/bin/env bash
# Makes the built-in model from nothing: its corpus, vocabulary, training, quantization and score.
# About an hour on two cores. Called again, it goes on where it was stopped.
#
# Usage: models/recipe/make.sh [FOLDER]          where all of it goes (default: build/recipe)
#        models/recipe/make.sh --quick [FOLDER]  one minute of a smaller corpus: no model to keep
#
# The corpus needs a `java` of 17 or newer, by JAVA_HOME or on PATH. TENON names another command.
set -euo pipefail
recipe=$(cd "$(dirname "$0")" && pwd)
tenon=${TENON:-$recipe/../../cli/tenon}

chats=150000
training=(-c 256 -b 4 --epochs 1 -lr 2e-3 --warmup-steps 200 --val-split 0.002 --eval-steps 500)
if [[ ${1-} == --quick ]]; then
  shift
  chats=4000
  training=(-c 128 -b 8 --max-steps 80 -lr 2e-3 --warmup-steps 20 --eval-steps 40 --save-steps 0)
  quick=yes
fi
out=${1:-build/recipe}
mkdir -p "$out"

# Nothing is there under its name before it is whole, so that what is there need not be made again.
corpus() { # corpus NAME OPTION…
  [[ ! -f $out/$1 ]] || return 0
  "${JAVA_HOME:+$JAVA_HOME/bin/}java" "$recipe/Corpus.java" "${@:2}" > "$out/corpus.part"
  mv "$out/corpus.part" "$out/$1"
}
train() { # train NAME OPTION…
  [[ ! -f $out/$1.gguf ]] || return 0
  local resume=()
  [[ ! -f $out/$1.gguf.checkpoint ]] || resume=(--resume)
  "$tenon" train "${@:2}" -o "$out/$1.gguf" --loss-curve "$out/$1.svg" --seed 1 \
    ${resume[@]+"${resume[@]}"}
}

corpus corpus.jsonl --chats $chats

# Digits are tokens of their own (qwen2), which makes sums easier to learn.
[[ -f $out/vocabulary.gguf ]] || "$tenon" train-tokenizer -f "$out/corpus.jsonl" \
  --vocab-size 2048 --pre qwen2 --special '<|endoftext|>' --special '<|im_start|>' \
  --special '<|im_end|>' --eos '<|im_end|>' --pad '<|endoftext|>' \
  --chat-template-file "$recipe/chat-template.jinja" -o "$out/vocabulary.gguf"

train first --config "$recipe/config.json" --vocab "$out/vocabulary.gguf" --name Tenon \
  -f "$out/corpus.jsonl" "${training[@]}"
[[ -z ${quick-} ]] || exit 0

# Then other wordings, half of them plain ones, and more sums, at a rate that falls to nothing.
corpus corpus-2.jsonl --chats 50000 --seed 2 --plain 0.5 --arithmetic 0.22
train second -m "$out/first.gguf" -f "$out/corpus-2.jsonl" -c 256 -b 4 --epochs 1 \
  -lr 6e-4 -lr-min 0 --warmup-steps 50 --val-split 0.005 --eval-steps 500

"$tenon" quantize "$out/second.gguf" "$out/tenon.gguf" Q8_0
"$tenon" evaluate -m "$out/tenon.gguf" -f "$recipe/held-out.jsonl" --min 0.85
echo "To build it in: cp $out/tenon.gguf models/src/main/resources/dev/tenon/models/"
