package import YAML

/// Everything that is wrong with a project's Compose files, each with its place; never empty.
package struct ComposeError: Error, Sendable, Equatable, CustomStringConvertible {
    package struct Problem: Sendable, Equatable, CustomStringConvertible {
        /// Kinds a caller can act on.
        package enum Kind: String, Sendable, Codable {
            case syntax, interpolation, schema, semantics, unsupported, file
        }

        package var kind: Kind
        package var location: SourceLocation?
        /// The path in the model: `services.web.ports[0]`; empty for the whole file.
        package var path: String
        /// What is wrong, what was expected, the nearest known key.
        package var message: String

        package init(_ kind: Kind, at location: SourceLocation?, path: String = "", _ message: String) {
            self.kind = kind
            self.location = location
            self.path = path
            self.message =
                message.utf8.count > Self.longestMessage ? "\(message.prefix(Self.longestMessage))…" : message
        }

        /// Longer messages are cut: they quote what the file says, and that may be long.
        private static let longestMessage = 2_000

        package var description: String {
            var text = location.map { "\($0): " } ?? ""
            if !path.isEmpty { text += "\(path): " }
            return text + message
        }
    }

    package var problems: [Problem]

    /// The most problems that checks collect before they stop.
    static let mostProblems = 100

    package init(_ problems: [Problem]) { self.problems = problems }
    package init(_ problem: Problem) { self.problems = [problem] }

    /// One problem a line.
    package var description: String { problems.map(\.description).joined(separator: "\n") }

    /// The same problems with the places in files below `directory` told relative to it.
    package func relative(to directory: String) -> ComposeError {
        ComposeError(
            problems.map { problem in
                var problem = problem
                if let file = problem.location?.file, file.hasPrefix(directory + "/") {
                    problem.location?.file = String(file.dropFirst(directory.count + 1))
                }
                return problem
            })
    }
}

extension [ComposeError.Problem] {
    /// As one finds them in the files, reading from the top; those without a place last.
    package var inOrderOfPlace: Self {
        let order = enumerated().sorted { one, other in
            switch (one.element.location, other.element.location) {
            case (let left?, let right?):
                (left.file, left.line, left.column, one.offset) < (right.file, right.line, right.column, other.offset)
            case (_?, nil): true
            case (nil, _?): false
            case (nil, nil): one.offset < other.offset
            }
        }
        return order.map(\.element)
    }
}
