//! The tokens of a source file, with their places. The audit reads whole crates: a parser would cost
//! more time than all that the compiler does with a small one, and its tokens have no places.

use std::ops::Range;
use std::path::PathBuf;

/// The kind of a token. Each character of punctuation is a token of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ident,
    Lifetime,
    Literal,
    Punct(u8),
    Open(u8),
    Close(u8),
}

/// A token, by its bytes in the text.
#[derive(Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    start: u32,
    end: u32,
    /// The index of the closing bracket of an opening one.
    close: u32,
}

/// A source file.
pub(super) struct Source {
    /// The path as the compiler prints it.
    pub(super) path: PathBuf,
    text: String,
    pub(super) tokens: Vec<Token>,
}

impl Source {
    /// Reads a file's text. `None` if its brackets or its literals do not end.
    pub(super) fn read(path: PathBuf, text: String) -> Option<Self> {
        let tokens = tokens(text.as_bytes())?;
        Some(Self { path, text, tokens })
    }

    /// The text of a token; of a raw identifier, without `r#`.
    pub(super) fn text(&self, at: usize) -> &str {
        let Some(token) = self.tokens.get(at) else {
            return "";
        };
        let text = self.text.get(token.start as usize..token.end as usize).unwrap_or_default();
        match token.kind {
            Kind::Ident => text.strip_prefix("r#").unwrap_or(text),
            _ => text,
        }
    }

    /// The text from the first of these tokens to the last.
    pub(super) fn text_of(&self, range: &Range<usize>) -> &str {
        let (Some(first), Some(last)) =
            (self.tokens.get(range.start), self.tokens.get(range.end.wrapping_sub(1)))
        else {
            return "";
        };
        self.text.get(first.start as usize..last.end as usize).unwrap_or_default()
    }

    /// The same text, with other words in place of some of the tokens.
    pub(super) fn masked(&self, range: &Range<usize>, masked: &[usize]) -> String {
        let mut text = String::new();
        let mut start = range.start;
        for at in masked {
            text += self.text_of(&(start..*at));
            text += " masked ";
            start = at + 1;
        }
        text + self.text_of(&(start..range.end))
    }

    pub(super) fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    pub(super) fn is_ident(&self, at: usize) -> bool {
        self.kind(at) == Some(Kind::Ident)
    }

    /// True if the token is this word.
    pub(super) fn is(&self, at: usize, word: &str) -> bool {
        self.is_ident(at) && self.text(at) == word
    }

    /// True if the token is this character of punctuation.
    pub(super) fn is_punct(&self, at: usize, c: u8) -> bool {
        self.kind(at) == Some(Kind::Punct(c))
    }

    /// True if `::` begins at this token.
    pub(super) fn is_path_sep(&self, at: usize) -> bool {
        self.is_punct(at, b':') && self.is_punct(at + 1, b':')
    }

    pub(super) fn is_open(&self, at: usize, bracket: u8) -> bool {
        self.kind(at) == Some(Kind::Open(bracket))
    }

    /// The tokens between the bracket that opens here and the one that closes it.
    pub(super) fn group(&self, at: usize) -> Range<usize> {
        at + 1..self.close(at)
    }

    /// The index of the bracket that closes the one here; the token itself if it opens none.
    pub(super) fn close(&self, at: usize) -> usize {
        match self.tokens.get(at) {
            Some(Token { kind: Kind::Open(_), close, .. }) => *close as usize,
            _ => at,
        }
    }

    /// The token behind this one, or behind the group that it opens.
    pub(super) fn next(&self, at: usize) -> usize {
        self.close(at) + 1
    }

    /// The line and the column of a token, counted from 1 as the compiler does.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let start = self.tokens.get(at).map_or(0, |token| token.start as usize);
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        (line, column)
    }
}

fn is_ident_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_ident_part(byte: u8) -> bool {
    is_ident_start(byte) || byte.is_ascii_digit()
}

fn tokens(text: &[u8]) -> Option<Vec<Token>> {
    // A token is five bytes of code or so.
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 5);
    let mut open: Vec<usize> = Vec::new();
    u32::try_from(text.len()).ok()?;
    let mut at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    if text[at..].starts_with(b"#!") && !text[at..].starts_with(b"#![") {
        at = line_end(text, at);
    }
    while let Some(&byte) = text.get(at) {
        let start = at;
        let next = text.get(at + 1).copied().unwrap_or(0);
        let kind = match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'/' if next == b'/' => {
                at = line_end(text, at);
                continue;
            }
            b'/' if next == b'*' => {
                at = comment_end(text, at)?;
                continue;
            }
            b'"' => {
                at = string_end(text, at)?;
                Kind::Literal
            }
            b'\'' => match quote_end(text, at)? {
                (end, true) => {
                    at = end;
                    Kind::Literal
                }
                (end, false) => {
                    at = end;
                    Kind::Lifetime
                }
            },
            b'0'..=b'9' => {
                at = number_end(text, at);
                Kind::Literal
            }
            _ if is_ident_start(byte) => match prefixed_end(text, at) {
                Some(end) => {
                    at = end?;
                    Kind::Literal
                }
                None => {
                    at += usize::from(byte == b'r' && next == b'#') * 2;
                    while text.get(at).is_some_and(|byte| is_ident_part(*byte)) {
                        at += 1;
                    }
                    Kind::Ident
                }
            },
            b'(' | b'[' | b'{' => {
                open.push(tokens.len());
                at += 1;
                Kind::Open(byte)
            }
            b')' | b']' | b'}' => {
                let opening = open.pop()?;
                let expected = match tokens[opening].kind {
                    Kind::Open(b'(') => b')',
                    Kind::Open(b'[') => b']',
                    _ => b'}',
                };
                if byte != expected {
                    return None;
                }
                tokens[opening].close = tokens.len() as u32;
                at += 1;
                Kind::Close(byte)
            }
            _ => {
                at += 1;
                Kind::Punct(byte)
            }
        };
        tokens.push(Token { kind, start: start as u32, end: at as u32, close: 0 });
    }
    open.is_empty().then_some(tokens)
}

fn line_end(text: &[u8], at: usize) -> usize {
    text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| at + end)
}

/// The end of a block comment, which may contain others.
fn comment_end(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match (text.get(at)?, text.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
}

/// The end of a string that begins at a quotation mark.
fn string_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += 1;
        match text.get(at)? {
            b'\\' => at += 1,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
}

/// The end of a literal with a prefix, such as `r#"…"#` or `b'x'`. `None` if this is an identifier,
/// `Some(None)` if the literal does not end.
fn prefixed_end(text: &[u8], at: usize) -> Option<Option<usize>> {
    let rest = &text[at..];
    let prefix = [&b"br"[..], b"cr", b"b", b"c", b"r"].into_iter().find(|prefix| {
        let behind = rest.get(prefix.len()).copied().unwrap_or(0);
        rest.starts_with(prefix)
            && match prefix.last() {
                Some(b'r') => behind == b'"' || behind == b'#' && is_raw(rest, prefix.len()),
                Some(b'b') => behind == b'"' || behind == b'\'',
                _ => behind == b'"',
            }
    })?;
    let at = at + prefix.len();
    Some(match (prefix.last(), text[at]) {
        (Some(b'r'), _) => raw_end(text, at),
        (_, b'\'') => quote_end(text, at).map(|(end, _)| end),
        _ => string_end(text, at),
    })
}

/// True if the number signs at `at` begin a raw string.
fn is_raw(text: &[u8], at: usize) -> bool {
    let hashes = text[at..].iter().take_while(|byte| **byte == b'#').count();
    text.get(at + hashes) == Some(&b'"')
}

fn raw_end(text: &[u8], at: usize) -> Option<usize> {
    let hashes = text[at..].iter().take_while(|byte| **byte == b'#').count();
    let mut at = at + hashes + 1;
    loop {
        let end = at + text.get(at..)?.iter().position(|byte| *byte == b'"')? + 1;
        let closing = text[end..].iter().take_while(|byte| **byte == b'#').count();
        if closing >= hashes {
            return Some(end + hashes);
        }
        at = end;
    }
}

/// The end of a character or of a lifetime, and true for a character.
fn quote_end(text: &[u8], at: usize) -> Option<(usize, bool)> {
    let first = *text.get(at + 1)?;
    if first == b'\\' {
        let end = text.get(at + 3..)?.iter().position(|byte| *byte == b'\'')?;
        return Some((at + 3 + end + 1, true));
    }
    let mut end = at + 2;
    while text.get(end).is_some_and(|byte| is_ident_part(*byte)) && is_ident_start(first) {
        end += 1;
    }
    // One character, of any number of bytes.
    let one = first < 0x80 && end == at + 2
        || first >= 0x80
            && std::str::from_utf8(&text[at + 1..end]).is_ok_and(|s| s.chars().count() == 1)
        || first >= 0xc0;
    match text.get(end) {
        Some(b'\'') if one => Some((end + 1, true)),
        _ if is_ident_part(first) => Some((end, false)),
        _ => None,
    }
}

fn number_end(text: &[u8], mut at: usize) -> usize {
    loop {
        while text.get(at).is_some_and(|byte| is_ident_part(*byte)) {
            at += 1;
        }
        let digit = text.get(at + 1).is_some_and(u8::is_ascii_digit);
        let exponent = matches!(text.get(at.wrapping_sub(1)), Some(b'e' | b'E'));
        match text.get(at) {
            Some(b'.') if digit => at += 1,
            Some(b'+' | b'-') if digit && exponent => at += 1,
            _ => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Option<Vec<String>> {
        let source = Source::read(PathBuf::new(), text.to_owned())?;
        Some((0..source.tokens.len()).map(|at| source.text(at).to_owned()).collect())
    }

    #[test]
    fn text_is_split_into_tokens() {
        for (text, tokens) in [
            ("a::b // x\n/* y /* z */ */ c", "a|:|:|b|c"),
            ("'a 'b' '\\'' '\\u{41}' 'ä' 'static", "'a|'b'|'\\''|'\\u{41}'|'ä'|'static"),
            (
                "r\"\\\" r#\"a\"b\"# br##\"\"#\"## b\"\\\"\" b'x' c\"y\"",
                "r\"\\\"|r#\"a\"b\"#|br##\"\"#\"##|b\"\\\"\"|b'x'|c\"y\"",
            ),
            ("r#type ready b c br", "type|ready|b|c|br"),
            ("1..2 1.5e-3 0xffu8 x.0.1 1e5", "1|.|.|2|1.5e-3|0xffu8|x|.|0.1|1e5"),
            ("#!/usr/bin/env\n#![a]", "#|!|[|a|]"),
            ("'('", "'('"),
        ] {
            assert_eq!(texts(text).map(|it| it.join("|")).as_deref(), Some(tokens), "{text}");
        }
        for text in ["(", "(]", "\"", "/*", "r#\"\"", "}"] {
            assert_eq!(texts(text), None, "{text}");
        }
    }

    #[test]
    fn places_count_from_one() {
        let source = Source::read(PathBuf::new(), "a\n  ä b\n".to_owned()).unwrap();
        assert_eq!([0, 1, 2].map(|at| source.place(at)), [(1, 1), (2, 3), (2, 5)]);
    }
}
