/// What Hugging Face folders hold: weights, configuration, tokenizer; and the hub they come from.
///
/// A [dev.tenon.huggingface.ModelFolder] is all of one folder. A
/// [dev.tenon.huggingface.FolderMapping], which stands beside each architecture, makes a
/// [dev.tenon.huggingface.GgufPlan] of it: the keys, and tensors as
/// [weights][dev.tenon.huggingface.Weight] made of those stored.
///
/// [dev.tenon.huggingface.Checkpoint#open] gives the tensors of a folder or file, whatever their
/// format: `safetensors`, PyTorch's pickles, llama2.c's. [dev.tenon.huggingface.Config] reads
/// `config.json` and its like. [dev.tenon.huggingface.TokenizerFiles] gives a tokenizer's
/// vocabulary as the metadata of a GGUF file. [dev.tenon.huggingface.HubCache] finds folders that
/// were downloaded, and [dev.tenon.huggingface.Hub] downloads them.
///
/// Nothing here trusts a file: every count and offset is checked before it is used, and a pickle
/// builds tensors and nothing else.
///
/// Null arguments throw [NullPointerException].
package dev.tenon.huggingface;
