/// The architectures, one file each, found as services of [dev.tenon.model.Architecture].
module dev.tenon.models {
  requires dev.tenon;

  provides dev.tenon.model.Architecture with
      dev.tenon.models.Llama;
}
