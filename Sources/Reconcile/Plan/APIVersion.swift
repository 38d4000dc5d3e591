/// A version of the Engine API.
package struct APIVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var major: Int
    package var minor: Int

    package init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `1.41`; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]), major >= 0, minor >= 0 else {
            return nil
        }
        self.init(major, minor)
    }

    package var description: String { "\(major).\(minor)" }

    package static func < (left: APIVersion, right: APIVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    /// The oldest that watcher speaks: Docker 20.10.
    package static let oldest = APIVersion(1, 41)
    /// The newest that watcher knows: Docker 28.5.
    package static let newest = APIVersion(1, 51)

    /// The first release of Docker that speaks it: `25.0`; nil for one that watcher does not know.
    package var dockerRelease: String? {
        guard major == 1 else { return nil }
        let releases = [
            41: "20.10", 42: "23.0", 43: "24.0", 44: "25.0", 45: "26.0", 46: "27.0", 47: "27.2", 48: "28.0",
            49: "28.1", 50: "28.2", 51: "28.3",
        ]
        return releases[minor]
    }
}
