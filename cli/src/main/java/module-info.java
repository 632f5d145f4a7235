/// The `tenon` command.
module dev.tenon.cli {
  requires com.fasterxml.jackson.core;
  requires dev.tenon;
  requires info.picocli;
  requires jdk.unsupported;
  requires org.jline.reader;

  uses dev.tenon.model.Architecture;
}
