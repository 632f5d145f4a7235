package dev.tenon.jinja;

import java.math.BigInteger;
import java.util.List;

/// The names of types, as Python and Jinja2 have them.
final class Types {
  private Types() {}

  static String name(Object value) {
    return switch (value) {
      case null -> "NoneType";
      case Boolean _ -> "bool";
      case Long _ -> "int";
      case BigInteger _ -> "int";
      case Double _ -> "float";
      case String _ -> "str";
      case Markup _ -> "Markup";
      case List<?> _ -> "list";
      case Tuple _ -> "tuple";
      case Dict _ -> "dict";
      case DictView view -> view.kind().typeName;
      case Range _ -> "range";
      case Generator _ -> "generator";
      case Bytes _ -> "bytes";
      case Undefined _ -> "Undefined";
      case Namespace _ -> "Namespace";
      case Cycler _ -> "Cycler";
      case Joiner _ -> "Joiner";
      case Loop _ -> "LoopContext";
      case Macro _ -> "Macro";
      case BlockReference _ -> "BlockReference";
      case TemplateReference _ -> "TemplateReference";
      case Method _ -> "builtin_function_or_method";
      case Callable _ -> "function";
      default -> "object";
    };
  }
}
