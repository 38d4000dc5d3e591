import Testing

@testable import DockerEngine

@Suite struct PullProgressTests {
    private func message(_ status: String, _ id: String? = nil, _ current: Int? = nil, _ total: Int? = nil)
        -> PullMessage
    {
        PullMessage(status: status, id: id, progressDetail: .init(current: current, total: total))
    }

    @Test func `many messages become few lines`() {
        var progress = PullProgress(reference: "nginx:1")
        var lines: [String] = []
        func feed(_ message: PullMessage, at second: Double) {
            if let line = progress.line(after: message, at: .seconds(second)) { lines.append(line) }
        }
        feed(message("Pulling from library/nginx", "1"), at: 0)
        feed(message("Pulling fs layer", "a"), at: 0.1)
        feed(message("Already exists", "b"), at: 0.1)
        for step in 1...100 { feed(message("Downloading", "a", step * 100_000, 10_000_000), at: Double(step) / 20) }
        feed(message("Extracting", "a", 1, 2), at: 5.1)
        feed(message("Pull complete", "a"), at: 7)
        feed(message("Digest: sha256:x"), at: 7)
        feed(message("Status: Downloaded newer image for nginx:1"), at: 7)
        #expect(
            lines == [
                "nginx:1: 1 of 2 layers, 6.0 of 10.0 MB", "nginx:1: 2 of 2 layers, 10.0 MB", "nginx:1: pulled, 10.0 MB",
            ])
    }
}
