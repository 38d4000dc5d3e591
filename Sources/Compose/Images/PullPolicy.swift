/// When an image is fetched from its registry: a service's `pull_policy`.
package enum PullPolicy: Sendable, Equatable {
    case always
    /// When the engine does not have it.
    case missing
    case never
    /// Never fetched, and built by every deploy.
    case build
    /// When it was last fetched longer ago than this.
    case every(Duration)
}

extension Service {
    /// What `pull_policy` says, `missing` when it says nothing; nil for a text that means no policy.
    package var effectivePullPolicy: PullPolicy? {
        switch pullPolicy {
        case nil, "missing", "if_not_present": .missing
        case "always": .always
        case "never": .never
        case "build": .build
        case "daily": .every(.seconds(24 * 3600))
        case "weekly": .every(.seconds(7 * 24 * 3600))
        case let text?:
            if text.hasPrefix("every_"), let period = GoDuration.parse(String(text.dropFirst("every_".count))),
                period > .zero
            {
                .every(period)
            } else {
                nil
            }
        }
    }
}
