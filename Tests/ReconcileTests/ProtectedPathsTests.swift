import Compose
import Testing
import WatcherTestSupport

@testable import Reconcile

/// What is watcher's own on the host, and what a project mounts of the host.
@Suite struct ProtectedPathsTests {
    private let links = [
        "/srv/link": "/var/lib/watcher/watcher.db", "/state": "/var/lib/watcher", "/proc/1/root": "/",
        "/proc/1/root/var/lib/watcher": "/var/lib/watcher", "/run/config": "/etc/watcher/config.yaml",
    ]

    private func problem(_ path: String, named: [String] = []) -> String? {
        let resolve = { path in links[path] ?? path }
        let own = ProtectedPaths(
            [
                ProtectedPath("/var/lib/watcher", "the state directory"),
                ProtectedPath("/etc/watcher/config.yaml", "the configuration"),
            ], checkout: "/var/lib/watcher/projects/shop/tree", named: named, resolve: resolve)
        return own.problem(of: path, leadingTo: resolve(path))
    }

    @Test(arguments: [
        ("/var/lib/watcher", "/var/lib/watcher is the state directory"),
        ("/var/lib/watcher/watcher.db", "/var/lib/watcher/watcher.db is in the state directory"),
        ("/var/lib/watcher/projects/other/tree", "/var/lib/watcher/projects/other/tree is in the state directory"),
        ("/var/lib/watcher/projects/shop", "/var/lib/watcher/projects/shop is in the state directory"),
        ("/srv/link", "/srv/link (/var/lib/watcher/watcher.db) is in the state directory"),
        ("/state", "/state (/var/lib/watcher) is the state directory"),
        ("/proc/1/root/var/lib/watcher", "/proc/1/root/var/lib/watcher (/var/lib/watcher) is the state directory"),
        ("/run/config", "/run/config (/etc/watcher/config.yaml) is the configuration"),
    ])
    func `what is watcher's own is refused under every name, whatever a policy names`(path: String, expected: String) {
        #expect(problem(path) == expected)
        #expect(problem(path, named: [path, "/", "/var/lib/watcher"]) == expected)
    }

    @Test(arguments: ["/", "/var", "/var/lib", "/proc/1/root", "/etc", "/etc/watcher"])
    func `a directory that contains it is refused unless it is named`(path: String) {
        #expect(problem(path)?.contains("`policy: {bind_sources: [\(path)]}`") == true)
        #expect(problem(path, named: ["/usr"]) != nil)
        #expect(problem(path, named: [path]) == nil)
    }

    @Test(arguments: [
        "/var/lib/watcher/projects/shop/tree", "/var/lib/watcher/projects/shop/tree/conf", "/var/run/docker.sock",
        "/var/lib/watcher-data", "/srv", "/etc/watcher/site.conf",
    ])
    func `the own checkout and everything else is allowed`(path: String) { #expect(problem(path) == nil) }

    @Test(arguments: [
        ("{type: none, o: bind, device: srv/d}", "/srv/d"), ("{type: none, o: 'rw,rbind', device: ./srv/d}", "/srv/d"),
        ("{type: overlay, device: overlay, o: 'lowerdir=srv/l'}", "/srv/l"),
        (#"{type: overlay, device: overlay, o: 'lowerdir=/sr\v/l'}"#, "/srv/l"),
    ])
    func `a path of a volume is the one that the engine takes it for`(options: String, path: String) throws {
        let project = try FileTree.project(
            "services: {web: {image: x, volumes: ['v:/v']}}\nvolumes: {vv: {}, v: {driver_opts: \(options)}}"
                .replacing("'v:/v'", with: "'vol:/v'").replacing(" v: {driver", with: " vol: {driver"))
        #expect(project.mountedSources().map(\.source) == [path])
    }

    @Test func `everything that containers get to see of the host is found`() throws {
        let project = try FileTree.project(
            """
            services:
              web:
                image: x
                volumes: [/a:/a, {type: bind, source: /b/../c, target: /c}, data:/d, over:/o, other:/x]
                secrets: [s]
                configs: [c]
            volumes:
              data: {driver_opts: {type: none, o: bind, device: /d}}
              over: {driver_opts: {type: overlay, device: overlay, o: "lowerdir=/l1:/l2,upperdir=/u,workdir=/w"}}
              other: {external: true}
              unused: {driver_opts: {type: none, o: bind, device: /unused}}
            secrets: {s: {file: /s}, unused: {file: /unused}}
            configs: {c: {file: /e}}
            """)
        #expect(
            project.mountedSources().map { "\($0.place) \($0.source)" } == [
                "services.web.volumes[0] /a", "services.web.volumes[1] /c", "configs.c.file /e", "secrets.s.file /s",
                "volumes.data.driver_opts.device /d", "volumes.over.driver_opts.o /l1",
                "volumes.over.driver_opts.o /l2",
                "volumes.over.driver_opts.o /u", "volumes.over.driver_opts.o /w",
            ])
    }

    @Test func `what volumes mount that exist on the engine is found, too`() throws {
        let project = try FileTree.project(
            """
            services: {web: {image: x, volumes: [own:/o, other:/x, same:/s]}}
            volumes:
              own: {name: own}
              other: {external: true}
              same: {name: same, driver_opts: {type: none, o: bind, device: /same}}
              unused: {name: unused}
            """)
        var volumes: [String: ObservedState.Volume] = [:]
        for name in ["own", "other", "same", "unused"] {
            volumes[name] = .init(name: name, driver: "local", labels: [:])
            volumes[name]?.options = ["type": "none", "o": "bind", "device": "/\(name)"]
        }
        #expect(
            project.mountedSources(on: volumes).map { "\($0.place) \($0.source)" } == [
                "volumes.other /other", "volumes.own /own", "volumes.same.driver_opts.device /same",
            ])
    }
}
