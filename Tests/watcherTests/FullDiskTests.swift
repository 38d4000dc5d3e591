import Foundation
import Testing
import WatcherTestSupport

/// What the program says when the state directory's file system is full.
@Suite struct FullDiskTests {
    /// Whether there was a database before the disk was full.
    @Test(arguments: [false, true])
    func `a full disk is called that, and not an error of the disk or of its owner`(isOpened: Bool) async throws {
        let directory = NSTemporaryDirectory() + "watcher-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: "\(directory)/disk", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try #"projects: {shop: {repository: "file:///nowhere"}}"#
            .write(toFile: "\(directory)/config.yaml", atomically: true, encoding: .utf8)
        let script = """
            mount -t tmpfs -o size=2m tmpfs disk || exit 99
            \(isOpened ? "$WATCHER suspend -q shop --reason first || exit 98" : "")
            dd if=/dev/zero of=disk/fill bs=1k 2>/dev/null
            $WATCHER suspend shop --reason second
            """
        try await execute(
            "/usr/bin/unshare", ["--map-root-user", "--mount", "/bin/bash", "-c", script],
            environment: [
                "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": directory, "WATCHER": try TestEnvironment.binary(),
                "WATCHER_STATE_DIR": "\(directory)/disk/state", "WATCHER_CONFIG": "\(directory)/config.yaml",
            ], in: directory
        ).expecting(74).saying("/state/watcher.db: the disk is full", "Free some space on the file system")
    }
}
