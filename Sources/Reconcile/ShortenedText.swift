extension String {
    /// The text, or its beginning and `...` when it has more characters or bytes than that. Both count, because one character
    /// may have any number of bytes.
    package func shortened(toCharacters characters: Int = .max, bytes: Int) -> String {
        guard utf8.count > bytes || (utf8.count > characters && count > characters) else { return self }
        let mark = "..."
        var left = bytes - mark.utf8.count
        var result = String.UnicodeScalarView()
        for character in prefix(max(characters - mark.count, 0)) {
            for scalar in character.unicodeScalars {
                left -= UTF8.width(scalar)
                guard left >= 0 else { return String(result) + mark }
                result.append(scalar)
            }
        }
        return String(result) + mark
    }
}
