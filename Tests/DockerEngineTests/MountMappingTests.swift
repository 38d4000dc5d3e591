import Compose
import Reconcile
import Testing

@testable import DockerEngine

@Suite struct MountMappingTests {
    private func volumes(
        _ mounts: [Mount], version: APIVersion = .oldest, _ change: (inout CreationFacts) -> Void = { _ in }
    ) throws -> (binds: [String], mounts: String) {
        let project = sampleProject { service, project in
            service.volumes = mounts
            project.volumes["data"] = Volume(name: "shop_data")
        }
        let result = try mapping(project, version: version, change).mounts
        return (result.binds, try json(result.mounts))
    }

    private func bind(_ change: (inout Mount.Bind) -> Void) -> Mount {
        var mount = Mount(kind: .bind, source: "/srv/a", target: "/a")
        var bind = Mount.Bind()
        bind.createHostPath = true
        change(&bind)
        mount.bind = bind
        return mount
    }

    @Test func `simple binds and volumes are binds`() throws {
        var readOnly = Mount(kind: .volume, source: "data", target: "/data")
        readOnly.readOnly = true
        var shared = Mount(kind: .volume, source: "data", target: "/shared")
        shared.bind = .init()
        shared.bind?.selinux = "Z"
        let result = try volumes([
            bind { $0.selinux = "z" }, readOnly, shared, Mount(kind: .bind, source: "/srv/b", target: "/b"),
        ])
        #expect(result.binds == ["/srv/a:/a:rw,z", "shop_data:/data:ro", "shop_data:/shared:rw,Z", "/srv/b:/b:rw"])
        #expect(result.mounts == "[]")
    }

    @Test func `what a bind cannot say is a mount`() throws {
        var labelled = Mount(kind: .volume, source: "data", target: "/data")
        labelled.volume = {
            var options = Mount.VolumeOptions(); options.nocopy = true; return options
        }()
        var memory = Mount(kind: .tmpfs, target: "/m")
        memory.tmpfs = {
            var options = Mount.TmpfsOptions(); options.size = 1024; options.mode = 0o700; return options
        }()
        let result = try volumes([
            bind { $0.createHostPath = false }, bind { $0.propagation = "rshared" }, labelled, memory,
            Mount(kind: .volume, target: "/anonymous"),
        ])
        #expect(result.binds.isEmpty)
        #expect(
            result.mounts == """
                [{"BindOptions":{"CreateMountpoint":true,"Propagation":"rshared"},"Source":"/srv/a","Target":"/a","Type":"bind"},\
                {"Source":"shop_data","Target":"/data","Type":"volume","VolumeOptions":{"NoCopy":true}},\
                {"Target":"/m","TmpfsOptions":{"Mode":448,"SizeBytes":1024},"Type":"tmpfs"},\
                {"Target":"/anonymous","Type":"volume"}]
                """)
    }

    @Test func `anonymous volumes of the replaced container are taken over`() throws {
        let old = String(repeating: "ab", count: 32)
        func point(_ target: String, name: String = old, type: String = "volume") -> ObservedState.Container.Mount {
            .init(type: type, name: name, source: "/var/lib/x", target: target)
        }
        var replaced = ObservedState.Container(
            id: ContainerID(hex: "f00"), name: "shop-web-1", service: "web", number: 1, state: .running)
        replaced.mounts = [
            point("/image"), point("/service"), point("/gone"), point("/named", name: "shop_data"),
            point("/bound"), point("/host", type: "bind"),
        ]
        let result = try volumes(
            [Mount(kind: .volume, target: "/service"), Mount(kind: .bind, source: "/srv", target: "/bound")]
        ) { facts in
            facts.imageVolumes = ["/image", "/named", "/bound"]
            facts.replaced = replaced
        }
        #expect(
            result.mounts == """
                [{"Source":"\(old)","Target":"/image","Type":"volume"},{"Source":"\(old)","Target":"/service","Type":"volume"}]
                """)
        #expect(result.binds == ["/srv:/bound:rw"])
    }

    @Test func `files of configs and secrets are mounted read-only, unless a volume is there`() throws {
        let project = sampleProject { service, project in
            project.configs["app"] = {
                var file = FileObject(name: "app"); file.file = "/srv/app.ini"; return file
            }()
            project.configs["text"] = {
                var file = FileObject(name: "text"); file.content = "x"; return file
            }()
            project.secrets["key"] = {
                var file = FileObject(name: "key"); file.file = "/srv/key"; return file
            }()
            service.configs = [FileReference(source: "app"), FileReference(source: "text")]
            service.secrets = [
                {
                    var use = FileReference(source: "key"); use.target = "/run/secrets/key"; return use
                }(),
                {
                    var use = FileReference(source: "key"); use.target = "other"; return use
                }(),
            ]
            service.volumes = [Mount(kind: .bind, source: "/mine", target: "/app")]
        }
        let result = try mapping(project).mounts
        #expect(
            try json(result.mounts) == """
                [{"ReadOnly":true,"Source":"/srv/key","Target":"/run/secrets/key","Type":"bind"},\
                {"ReadOnly":true,"Source":"/srv/key","Target":"/run/secrets/other","Type":"bind"}]
                """)
    }

    @Test func `a variable that a secret needs and that is not set is named`() throws {
        let project = sampleProject { service, project in
            project.secrets["key"] = {
                var file = FileObject(name: "key"); file.environment = "API_KEY"; return file
            }()
            service.secrets = [FileReference(source: "key")]
        }
        let error = try #require(throws: ComposeError.self) { try mapping(project) }
        #expect(error.description.contains("secrets.key: the variable API_KEY"))
    }

    @Test func `a read-only container takes no copied files`() throws {
        let project = sampleProject { service, project in
            project.configs["text"] = {
                var file = FileObject(name: "text"); file.content = "x"; return file
            }()
            service.configs = [FileReference(source: "text")]
            service.readOnly = true
        }
        let error = try #require(throws: ComposeError.self) { try mapping(project) }
        #expect(error.description.contains("read-only"))
    }
}
