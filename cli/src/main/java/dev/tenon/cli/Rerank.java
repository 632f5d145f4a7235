package dev.tenon.cli;

import dev.tenon.Reranker;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Locale;

/// Orders documents by how well they answer a query.
final class Rerank extends Command {
  private final Value<String> query;
  private final TextInputs documents;
  private final Value<Integer> topK;
  private final Value<Boolean> json;
  private final ModelFlags model;

  Rerank(Streams streams) {
    super(
        streams,
        "rerank",
        "Order documents by how well they answer a query, with a cross-encoder.",
        "Without DOC each line of the file, or of stdin, is a document. What is too long for the"
            + " model is cut.");
    query = text("TEXT", "The query.", "--query", "-q");
    documents = new TextInputs(this, "DOC", "A document.");
    topK = integer(null, "The most documents, the best first (default: all).", "--top-k");
    json =
        flag(
            "Print JSON, as sentence-transformers has it: corpus_id, score; and the text.",
            "--json");
    model = new ModelFlags(this);
  }

  @Override
  int call() throws Exception {
    documents.check();
    if (query.get() == null) {
      throw usage("which query? Give --query TEXT");
    }
    if (topK.get() != null && topK.get() < 1) {
      throw usage("--top-k " + topK.get() + ", at least 1");
    }
    try (var backend = model.backend();
        var loaded = model.load(backend);
        var reranker = new Reranker(loaded);
        var _ = Interrupt.ofThisThread()) {
      var hits = reranker.rank(query.get(), documents.read());
      int most = topK.get() == null ? hits.size() : Math.min(topK.get(), hits.size());
      var list = new ArrayList<Object>();
      for (var hit : hits.subList(0, most)) {
        var members = new LinkedHashMap<String, Object>();
        members.put("corpus_id", hit.corpusId());
        members.put("score", hit.score());
        members.put("text", hit.text());
        list.add(members);
        if (!json.get()) {
          var line = String.format(Locale.ROOT, "%.4f  %d  ", hit.score(), hit.corpusId());
          streams.out().println(line + Text.visible(hit.text()));
        }
      }
      if (json.get()) {
        printJson(list);
      }
    }
    return 0;
  }
}
