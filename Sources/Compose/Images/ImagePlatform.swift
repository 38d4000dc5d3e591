/// A platform that images are made for, `os/architecture/variant`, in one spelling.
package struct ImagePlatform: Sendable, Equatable, CustomStringConvertible {
    package var system: String
    package var architecture: String
    /// Empty when the architecture's usual one is meant.
    package var variant: String

    /// Reads `linux/arm64/v8`, `linux/aarch64`, or an architecture or system alone; what is left out is empty.
    package init(_ text: String) {
        let parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 1 {
            let isSystem = ["linux", "windows", "freebsd", "darwin"].contains(parts[0])
            self.init(system: isSystem ? parts[0] : "", architecture: isSystem ? "" : parts[0], variant: "")
        } else {
            self.init(system: parts[0], architecture: parts[1], variant: parts.count > 2 ? parts[2] : "")
        }
    }

    /// The parts as an engine tells them.
    package init(system: String, architecture: String, variant: String) {
        self.system = system
        switch (architecture, variant) {
        case ("x86_64", _), ("x86-64", _), ("amd64", _):
            (self.architecture, self.variant) = ("amd64", variant == "v1" ? "" : variant)
        case ("aarch64", _), ("arm64", _):
            (self.architecture, self.variant) = ("arm64", ["8", "v8"].contains(variant) ? "" : variant)
        case ("armhf", _): (self.architecture, self.variant) = ("arm", "v7")
        case ("armel", _): (self.architecture, self.variant) = ("arm", "v6")
        case ("arm", ""): (self.architecture, self.variant) = ("arm", "v7")
        case ("i386", _): (self.architecture, self.variant) = ("386", "")
        default: (self.architecture, self.variant) = (architecture, variant)
        }
    }

    /// Whether an image for this platform is what `wanted` asks for; what `wanted` leaves out may be anything.
    package func satisfies(_ wanted: ImagePlatform) -> Bool {
        (wanted.system.isEmpty || wanted.system == system)
            && (wanted.architecture.isEmpty || (wanted.architecture == architecture && wanted.variant == variant))
    }

    package var description: String {
        [system, architecture, variant].filter { !$0.isEmpty }.joined(separator: "/")
    }
}
