extension Plan.Change: CustomStringConvertible {
    /// `web: recreate: image nginx:1.25 → 1.27, environment FOO changed`
    package var description: String {
        let subject = kind == "service" ? name : "\(kind) \(name)"
        return "\(subject): \(text)"
    }

    /// `recreate: image nginx:1.25 → 1.27`, where the subject is told beside it.
    package var text: String { "\(action.rawValue): \(causes.joined(separator: ", "))" }
}
