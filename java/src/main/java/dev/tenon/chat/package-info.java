/// Conversations: from messages and tools to a prompt, and from a reply back to a message.
///
/// ```text
/// messages, tools ─► ChatTemplate ─► prompt ─► model ─► reply ─► ReplyFormat ─► Message, ToolCall
/// ```
///
/// A [dev.tenon.chat.ChatTemplate] is the template of a file, of its vocabulary, or one of those
/// that come with Tenon. How a model writes thoughts and calls is read off its template.
///
/// Null arguments throw [NullPointerException].
package dev.tenon.chat;
