package dev.tenon.jinja;

import java.util.Map;

/// `self` in a template: its items are the template's blocks.
///
/// @param blocks the blocks by name
/// @param root where they look names up
record TemplateReference(Map<String, Statement.Block> blocks, Scope root) {
  /// {@return a block, or [Scope#MISSING]}
  Object get(String name) {
    var block = blocks.get(name);
    return block == null ? Scope.MISSING : new BlockReference(block, root);
  }
}
