# Which ggml is built. Whatever way it comes, the git tree of its folder must have this id.
set(TENON_GGML_VERSION 0.25.1)
set(TENON_GGML_TREE 4a1fc5de35bd6af12f303c0701ea0bc7ec1e1c77)
# Of its files, those with the executable bit, which is a part of the tree id and which a copy or
# a file system may lose.
set(TENON_GGML_EXECUTABLES
    src/ggml-cann/CMakeLists.txt
    src/ggml-cuda/template-instances/generate_cu_files.py
    src/ggml-et/et-kernels/scripts/check_unimplemented_instructions.sh
    src/ggml-virtgpu/regenerate_remoting.py
    src/ggml-webgpu/wgsl-shaders/embed_wgsl.py)
# The example grammars that the release has beside it, for the tests: the git tree of their folder.
set(TENON_GRAMMARS_TREE 21cda513cd491dca43203e7abc3cdbb10a8265d5)

# First way: the npm package that ships llama.cpp's release as a git bundle. The hash is the
# registry's `dist.integrity`, in hexadecimal.
set(TENON_NPM_PACKAGE node-llama-cpp@3.22.1)
set(TENON_NPM_SHA512
    6e5b488a9b9699cd76dc7eed30880318a4ac4ab866865418795502e3c5d38d55bb5c624988927209d95333343f2e25a83e4183a5c2f816f883a60c3ba9f4e20f)
set(TENON_NPM_BUNDLE package/llama/gitRelease.bundle)

# Second way: the release's tag, from upstream or a mirror of it.
set(TENON_GGML_TAG v0.5.0)
set(TENON_GGML_REPOSITORY https://github.com/ggml-org/llama.cpp
    CACHE STRING "Where git finds the release's tag")
