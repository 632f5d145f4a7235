package dev.tenon.jinja;

/// A piece of a template's source.
///
/// @param type what it is
/// @param text the template's own text, a name, an operator's sign or a string's value
/// @param value the value of a number, else null
/// @param at where it begins
record Token(Type type, String text, Object value, Position at) {
  enum Type {
    DATA("template data"),
    BLOCK_BEGIN("begin of statement block"),
    BLOCK_END("end of statement block"),
    VARIABLE_BEGIN("begin of print statement"),
    VARIABLE_END("end of print statement"),
    NAME("name"),
    STRING("string"),
    INTEGER("integer"),
    FLOAT("float"),
    OPERATOR("operator"),
    END("end of template");

    private final String description;

    Type(String description) {
      this.description = description;
    }

    @Override
    public String toString() {
      return description;
    }
  }

  boolean is(Type other) {
    return type == other;
  }

  boolean isName(String name) {
    return type == Type.NAME && text.equals(name);
  }

  boolean isOperator(String sign) {
    return type == Type.OPERATOR && text.equals(sign);
  }

  /// {@return what an error calls it}
  String description() {
    return switch (type) {
      case NAME, OPERATOR, INTEGER, FLOAT -> "'" + text + "'";
      case STRING -> "a string";
      default -> type.toString();
    };
  }
}
