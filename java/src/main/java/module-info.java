/// The transformer runtime for the JVM: a GGUF file in, text out.
module dev.tenon {
  requires com.fasterxml.jackson.core;
  requires dev.tenon.ggml;
  requires java.net.http;
  requires org.snakeyaml.engine;

  exports dev.tenon;
  exports dev.tenon.attention;
  exports dev.tenon.chat;
  exports dev.tenon.convert;
  exports dev.tenon.gguf;
  exports dev.tenon.grammar;
  exports dev.tenon.huggingface;
  exports dev.tenon.jinja;
  exports dev.tenon.json;
  exports dev.tenon.metrics;
  exports dev.tenon.model;
  exports dev.tenon.sampling;
  exports dev.tenon.tensor;
  exports dev.tenon.tokenizer;
  exports dev.tenon.train;

  uses dev.tenon.model.Architecture;
  uses dev.tenon.model.BuiltInModel;
}
