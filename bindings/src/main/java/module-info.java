/// ggml as Java sees it: bindings that jextract generates, and the one class that loads the native
/// libraries they call.
module dev.tenon.ggml {
  exports dev.tenon.ggml to
      dev.tenon;
}
