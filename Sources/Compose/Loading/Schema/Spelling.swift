/// Finds the word that was probably meant.
package enum Spelling {
    /// The known word nearest to a text, if it differs in no more than a third of its letters; the first of several.
    package static func nearest(to text: String, in words: some Sequence<String>) -> String? {
        let letters = Array(text.lowercased().utf8.prefix(64))
        let limit = max(1, letters.count / 3)
        var best: (word: String, distance: Int)?
        for word in words {
            let distance = distance(letters, Array(word.lowercased().utf8))
            if distance <= limit && distance < best?.distance ?? .max { best = (word, distance) }
        }
        return best?.word
    }

    /// Insertions, deletions, replacements and swaps of neighbours that make one text the other.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                let replaced = previous[column] + (letter == other ? 0 : 1)
                var cost = min(previous[column + 1] + 1, current[column] + 1, replaced)
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforePrevious[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforePrevious, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
