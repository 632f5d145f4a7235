/// The architectures, one file each, found as services of [dev.tenon.model.Architecture].
module dev.tenon.models {
  requires dev.tenon;

  provides dev.tenon.model.Architecture with
      dev.tenon.models.Bart,
      dev.tenon.models.Bert,
      dev.tenon.models.Gemma3,
      dev.tenon.models.Gpt2,
      dev.tenon.models.Llama,
      dev.tenon.models.Marian,
      dev.tenon.models.Phi3,
      dev.tenon.models.Qwen2,
      dev.tenon.models.Qwen3;
  provides dev.tenon.model.BuiltInModel with
      dev.tenon.models.TenonModel;
}
