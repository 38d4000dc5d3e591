import Testing

@testable import Compose

/// The texts and hashes of live containers of docker compose 2.40.3.
struct ConfigHashTests {
    @Test func `a service hashes as docker compose 2 hashes it`() throws {
        let project = try Project.from(
            json: """
                {"services": {"db": {"image": "busybox:1", "command": "sleep 600", "init": true,
                    "networks": {"default": null}, "stop_grace_period": "1s",
                    "healthcheck": {"test": ["CMD", "true"], "interval": "1s"},
                    "volumes": [{"type": "volume", "source": "data", "target": "/data", "volume": {}}]}},
                 "networks": {"default": {"name": "fb-ex_default"}}, "volumes": {"data": {"name": "fb-ex_data"}}}
                """)
        let service = try #require(project.services["db"])
        #expect(
            ConfigHash.ofService(service) == "ac99cbf5aa0dd4528b1e67de3f0a4ab98ce398d5045c2ee83b510914bf444edb")
        #expect(ConfigHash.label(of: service) == ConfigHash.ofService(service))
    }

    @Test func `what is only about building, scaling and ordering stays out of the hash`() throws {
        let project = try Project.from(
            json: """
                {"services": {
                    "web": {"image": "busybox:1", "command": "sleep 600", "restart": "unless-stopped",
                        "environment": {"A": "1"}, "configs": [{"source": "c1", "target": "/etc/c1"}],
                        "networks": {"default": null, "front": {"aliases": ["www"], "priority": 10}},
                        "ports": [{"mode": "ingress", "host_ip": "127.0.0.1", "target": 80, "published": "18480",
                            "protocol": "tcp"}], "stop_grace_period": "1s",
                        "depends_on": {"db": {"condition": "service_healthy", "required": true}},
                        "build": {"context": "/x"}, "pull_policy": "always", "scale": 2, "profiles": ["a"]},
                    "db": {"image": "busybox:1"}},
                 "networks": {"default": {"name": "p_default"}, "front": {"name": "p_front"}},
                 "configs": {"c1": {"name": "p_c1", "content": "hello"}}}
                """, profiles: ["a"])
        let service = try #require(project.services["web"])
        #expect(
            ConfigHash.ofService(service) == "0d77fdc69f1e7e14bed228bd716c303e04cda95e399e2c4b4ea768c2cddafc94")
    }

    @Test func `sections are written field by field, in Compose's order and encoding`() throws {
        let project = try Project.from(
            json: """
                {"services": {"x": {"image": "busybox:1", "cpus": "0.1", "mem_limit": "64m", "init": false,
                    "deploy": {"replicas": 2, "update_config": {"parallelism": 0, "delay": "10s"},
                        "resources": {"limits": {"cpus": "0.1", "memory": "64M"},
                            "reservations": {"devices": [{"capabilities": ["gpu"], "count": "all"}]}}},
                    "env_file": [{"path": "/tmp/fb/q.env", "required": false}],
                    "extra_hosts": ["h=host-gateway", "a:1.1.1.1"], "gpus": [{"count": "all"}],
                    "healthcheck": {"test": ["NONE"], "interval": "1m", "disable": true},
                    "networks": {"default": {"priority": 5}},
                    "secrets": [{"source": "s", "target": "/run/secrets/s", "mode": "0440"}],
                    "stop_grace_period": "90s", "tmpfs": ["/run"],
                    "ulimits": {"nofile": 1024, "nproc": {"soft": 1, "hard": 2}},
                    "post_start": [{"command": "echo", "user": "root"}]}},
                 "networks": {"default": {"name": "p_default"}}, "secrets": {"s": {"name": "p_s", "file": "/s"}}}
                """)
        let service = try #require(project.services["x"])
        let text = JSONWriter.compact(service.document(.hash(.v2, .configuration)))
        #expect(
            String(decoding: text, as: UTF8.self) == """
                {"cpus":0.1,"command":null,"deploy":{"update_config":{"parallelism":0,"delay":"10s"},"resources":\
                {"limits":{"cpus":0.1,"memory":"67108864"},"reservations":{"devices":[{"capabilities":["gpu"],\
                "count":-1}]}},"placement":{}},"entrypoint":null,"env_file":[{"path":"/tmp/fb/q.env",\
                "required":false}],"extra_hosts":["a=1.1.1.1","h=host-gateway"],"gpus":[{"count":-1}],\
                "healthcheck":{"test":["NONE"],"interval":"1m0s","disable":true},"image":"busybox:1","init":false,\
                "mem_limit":"67108864","networks":{"default":{"priority":5}},"secrets":[{"source":"s",\
                "target":"/run/secrets/s","mode":"0440"}],"stop_grace_period":"1m30s","tmpfs":["/run"],\
                "ulimits":{"nofile":1024,"nproc":{"soft":1,"hard":2}},"post_start":[{"command":["echo"],\
                "user":"root"}]}
                """)
    }

    @Test func `networks and volumes hash as docker compose hashes them`() {
        var network = Network(name: "fb-up_n1")
        network.driver = "bridge"
        network.labels = ["q": "r"]
        var pool = Network.Pool()
        pool.subnet = "10.213.0.0/24"
        network.ipam.config = [pool]
        var volume = Volume(name: "fb-up_v1")
        volume.labels = ["a": "b"]
        #expect(ConfigHash.ofNetwork(Network(name: "fb-ex_default")).hasPrefix("9dd1189d"))
        #expect(ConfigHash.ofNetwork(network).hasPrefix("ea483287"))
        #expect(ConfigHash.ofVolume(volume).hasPrefix("4b85c301"))
    }

    @Test func `a bind mount hashes differently for each Compose generation`() {
        var service = Service(name: "a")
        var mount = Mount(kind: .bind, source: "/a", target: "/b")
        var bind = Mount.Bind()
        func text(_ written: Bool?, _ flavour: ConfigHash.Flavour) -> String {
            bind.writtenCreateHostPath = written
            mount.bind = bind
            service.volumes = [mount]
            return String(decoding: JSONWriter.compact(service.document(.hash(flavour, .created))), as: UTF8.self)
        }
        #expect(text(true, .v2).contains(#""bind":{"create_host_path":true}"#))
        #expect(text(true, .v5).contains(#""bind":{}"#))
        #expect(text(false, .v2).contains(#""bind":{}"#))
        #expect(text(false, .v5).contains(#""bind":{"create_host_path":false}"#))
        #expect(text(nil, .v2) == text(nil, .v5))
    }

    @Test func `references to other services become container ids in the label`() {
        var service = Service(name: "a")
        service.networkMode = "service:b"
        service.ipc = "service:c"
        service.uts = "service:b"
        service.volumesFrom = ["b:ro", "container:x:ro", "unknown"]
        let resolved = service.resolvingReferences(["b": "0b", "c": "0c"])
        #expect(resolved.networkMode == "container:0b")
        #expect(resolved.ipc == "container:0c")
        #expect(resolved.uts == "service:b")
        #expect(resolved.volumesFrom == ["0b", "x", "unknown"])
        #expect(service.referencedServices == ["b", "c", "unknown"])
    }

    @Test func `the engine's socket adds what docker compose mounts for it`() {
        var service = Service(name: "a")
        service.useAPISocket = true
        let complete = service.withAPISocket()
        #expect(complete.volumes.map(\.target) == ["/var/run/docker.sock"])
        #expect(complete.environment["DOCKER_CONFIG"] == "/run/secrets/docker")
        #expect(complete.configs.map(\.source) == ["#apisocket"])
    }

    @Test func `JSON is escaped as Go escapes it`() {
        let text = JSONWriter.compact(.string("<&>\u{2028}\"\\\n\u{1}é/\u{7f}"))
        #expect(
            String(decoding: text, as: UTF8.self)
                == "\"\\u003c\\u0026\\u003e\\u2028\\\"\\\\\\n\\u0001é/\u{7f}\"")
    }
}
