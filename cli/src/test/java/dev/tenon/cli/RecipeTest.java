package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// The recipe of the built-in model, for a minute: from nothing to a loss of less than the half.
class RecipeTest {
  @TempDir Path folder;

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aMinuteOfItHalvesTheLoss() throws IOException, InterruptedException {
    var root = Path.of(System.getProperty("tenon.root"));
    var tenon = folder.resolve("tenon");
    var command =
        Forked.tenon().command().stream()
            .map(word -> "'" + word + "'")
            .collect(Collectors.joining(" "));
    Files.writeString(tenon, "#!/bin/sh\nexec " + command + " \"$@\"\n");
    assertThat(tenon.toFile().setExecutable(true)).isTrue();
    var log = folder.resolve("log");
    var make =
        new ProcessBuilder(
            root.resolve("models/recipe/make.sh").toString(),
            "--quick",
            folder.resolve("out").toString());
    make.environment().put("TENON", tenon.toString());
    make.environment().put("JAVA_HOME", System.getProperty("java.home"));
    var process = make.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      assertThat(process.waitFor(10, TimeUnit.MINUTES)).as("in time").isTrue();
    } finally {
      process.destroyForcibly();
    }
    var said = Files.readString(log);
    assertThat(process.exitValue()).as(said).isZero();
    // The loss of chance is the logarithm of the number of tokens.
    assertThat(validationLoss(said)).as(said).isLessThan(Math.log(2048) / 2);
    assertThat(folder.resolve("out/first.gguf")).isNotEmptyFile();
    assertThat(folder.resolve("out/first.svg")).content().contains("perplexity");
  }

  private static double validationLoss(String log) {
    var matcher = Pattern.compile("tokens in .*, validation loss ([0-9.]+)").matcher(log);
    assertThat(matcher.find()).as(log).isTrue();
    return Double.parseDouble(matcher.group(1));
  }
}
