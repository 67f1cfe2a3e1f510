//! Counts the tokens and brackets of a query before it is parsed.
//!
//! The parser recurses once per bracket and aborts the process when its stack overflows. Therefore brackets are counted
//! first, in one pass and without recursion. Where this lexer and the parser could disagree about the end of a string,
//! this lexer refuses the query, so that no bracket goes uncounted.

/// Why a query is not parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LexError {
    #[error("the query has more than {limit} tokens")]
    TooManyTokens { limit: usize },
    #[error("the query has more than {limit} brackets open at once")]
    TooNested { limit: usize },
    #[error("the string that begins at byte {at} is not closed")]
    OpenString { at: usize },
}

/// Counts tokens and open brackets, and checks their limits. Returns the number of tokens.
pub(super) fn check(query: &str, max_tokens: usize, max_nesting: usize) -> Result<usize, LexError> {
    let text = query.as_bytes();
    let (mut at, mut tokens, mut nesting) = (0, 0, 0_usize);
    while let Some(&byte) = text.get(at) {
        let start = at;
        at = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => at + 1,
            b'#' => end_of_line(text, at),
            b'"' => end_of_string(text, at).ok_or(LexError::OpenString { at })?,
            b'.' if text[at..].starts_with(b"...") => at + 3,
            byte if is_word_byte(byte) => end_of_word(text, at),
            _ => at + 1,
        };
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b'#' => continue,
            b'{' | b'[' | b'(' => nesting += 1,
            b'}' | b']' | b')' => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        debug_assert!(at > start);
        tokens += 1;
        if tokens > max_tokens {
            return Err(LexError::TooManyTokens { limit: max_tokens });
        }
        if nesting > max_nesting {
            return Err(LexError::TooNested { limit: max_nesting });
        }
    }
    Ok(tokens)
}

/// Whether the byte can be part of a name or a number. Bytes that are not ASCII are counted as such too; the parser
/// refuses them later.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn end_of_word(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|&&byte| is_word_byte(byte)).count()
}

fn end_of_line(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|&&byte| byte != b'\n' && byte != b'\r').count()
}

/// The index after the string that begins at `at`; `None` if the string is not closed.
fn end_of_string(text: &[u8], at: usize) -> Option<usize> {
    if text[at..].starts_with(b"\"\"\"") {
        return end_of_block_string(text, at + 3);
    }
    let mut at = at + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            b'\n' | b'\r' => return None,
            _ => at += 1,
        }
    }
}

/// The index after the block string whose text begins at `at`; `None` if the string is not closed.
fn end_of_block_string(text: &[u8], mut at: usize) -> Option<usize> {
    while at < text.len() {
        let remaining = &text[at..];
        if remaining.starts_with(b"\"\"\"") {
            return Some(at + 3);
        }
        at += if remaining.starts_with(b"\\\"\"\"") { 4 } else { 1 };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_with(query: &str, tokens: usize, nesting: usize) -> Result<(), LexError> {
        check(query, tokens, nesting).map(|_| ())
    }

    #[track_caller]
    fn has(query: &str, tokens: usize, nesting: usize) {
        assert_eq!(check_with(query, tokens, nesting), Ok(()), "{query}");
        if tokens > 0 {
            let fewer = check_with(query, tokens - 1, nesting);
            assert_eq!(fewer, Err(LexError::TooManyTokens { limit: tokens - 1 }), "{query}");
        }
        if nesting > 0 {
            let shallower = check_with(query, tokens, nesting - 1);
            assert_eq!(shallower, Err(LexError::TooNested { limit: nesting - 1 }), "{query}");
        }
    }

    #[test]
    fn tokens_and_brackets_are_counted() {
        has("", 0, 0);
        has("{ a }", 3, 1);
        has("query Q($a: [Int!] = [1, -2]) { b(c: {d: $a}) ...F @e }", 34, 3);
    }

    #[test]
    fn what_is_in_strings_and_comments_is_not_counted() {
        has(r#"{ a(b: "[[[{{{") }"#, 8, 2);
        has(r#"{ a(b: "\"[[[\\") }"#, 8, 2);
        has("{ a(b: \"\"\"[[ \" \\\"\"\" [[\n[[\"\"\") }", 8, 2);
        has(r#"{ a(b: "") }"#, 8, 2);
        has("{ a # {{{ [[[\n}", 3, 1);
        has("{ a # {{{ [[[\r}", 3, 1);
    }

    #[test]
    fn brackets_after_a_string_are_counted() {
        has("{ a(b: [\"\", \"x\" [[[1]]]]) }", 18, 6);
    }

    /// The parser reads an unclosed block string as an empty string and goes on behind it.
    #[test]
    fn an_open_string_is_refused_as_it_could_hide_brackets() {
        for query in
            ["{a(b:\"\"\"x\"[[[[", "{a(b:\"x\n[[[[", "{a(b:\"x", "\"", "\"\\", "\"\"\"\\\"\"\""]
        {
            assert!(
                matches!(check_with(query, 100, 100), Err(LexError::OpenString { .. })),
                "{query}"
            );
        }
    }

    #[test]
    fn closing_brackets_alone_never_go_below_zero() {
        has("}}}{{", 5, 2);
    }
}
