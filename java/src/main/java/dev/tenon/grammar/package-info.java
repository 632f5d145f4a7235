/// Output that keeps to a form: grammars in llama.cpp's GBNF, JSON Schemas as grammars, and the
/// filter that leaves a sampler only the tokens with which a text can go on.
///
/// A [Grammar][dev.tenon.grammar.Grammar] is parsed once, a
/// [VocabularyTrie][dev.tenon.grammar.VocabularyTrie] is built once for a model; a
/// [GrammarFilter][dev.tenon.grammar.GrammarFilter] joins the two for one text:
///
/// ```java
/// var grammar = Grammar.parse("root ::= \"yes\" | \"no\"");
/// var trie = VocabularyTrie.of(model.tokenizer());
/// var sampler = Sampler.of(random, new GrammarFilter(grammar, trie), Filter.temperature(0.8f));
/// session.generate("Is water wet? ", sampler, 8).forEach(IO::print); // yes
/// ```
///
/// Null arguments throw [NullPointerException].
package dev.tenon.grammar;
