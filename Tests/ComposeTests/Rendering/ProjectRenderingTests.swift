import Testing

@testable import Compose

struct ProjectRenderingTests {
    private func project() throws -> Project {
        let text = """
            name: p
            x-top: {a: [1, "$$x"]}
            services:
              web:
                image: nginx
                command: echo $$HOME
                x-own: 1
                deploy: {}
                depends_on: [db]
                secrets: [s]
              db:
                build: .
                profiles: [data]
                volumes: ["data:/d"]
            volumes: {data: , unused: }
            secrets: {s: {environment: S}}
            """
        var request = ProjectLoader.Request(workingDirectory: "/p")
        request.profiles = ["data"]
        request.environment = ["S": "hidden"]
        return try ProjectLoader(files: MemoryFiles(["compose.yaml": text]).access).load(request).project
    }

    @Test func `YAML shows what was given, with dollar signs that load again`() throws {
        #expect(
            ProjectRendering.yaml(try project()) == """
                name: p
                services:
                  db:
                    profiles:
                      - data
                    build:
                      context: /p
                      dockerfile: Dockerfile
                    networks:
                      default: null
                    volumes:
                      - type: volume
                        source: data
                        target: /d
                        volume: {}
                  web:
                    command:
                      - echo
                      - $$HOME
                    depends_on:
                      db:
                        condition: service_started
                        required: true
                    deploy: {}
                    image: nginx
                    networks:
                      default: null
                    secrets:
                      - source: s
                        target: /run/secrets/s
                    x-own: 1
                networks:
                  default:
                    name: p_default
                volumes:
                  data:
                    name: p_data
                secrets:
                  s:
                    name: p_s
                    environment: S
                x-top:
                  a:
                    - 1
                    - $$x

                """)
    }

    @Test func `JSON also shows what is unset but means something`() throws {
        let text = ProjectRendering.json(try project())
        #expect(text.hasPrefix("{\n  \"name\": \"p\",\n  \"networks\": {\n"))
        #expect(text.contains("\"entrypoint\": null"))
        #expect(text.contains("\"placement\": {}"))
        #expect(text.contains("\"$$HOME\""))
        #expect(!text.contains("hidden"))
        #expect(!text.contains("x-own"))
    }

    @Test func `a rendered project loads as the same project`() throws {
        let project = try project()
        for text in [ProjectRendering.yaml(project), ProjectRendering.json(project)] {
            var request = ProjectLoader.Request(workingDirectory: "/p")
            request.profiles = ["data"]
            request.environment = ["S": "hidden"]
            let files = MemoryFiles(["compose.yaml": text])
            let again = try ProjectLoader(files: files.access).load(request).project
            #expect(ProjectRendering.hashes(again).map(\.hash) == ProjectRendering.hashes(project).map(\.hash))
            #expect(ProjectRendering.json(again) == ProjectRendering.json(project))
        }
    }

    @Test func `lists name services, volumes, images and profiles`() throws {
        let project = try project()
        #expect(ProjectRendering.services(project) == ["db", "web"])
        #expect(ProjectRendering.volumes(project) == ["data"])
        #expect(ProjectRendering.networks(project) == ["default"])
        #expect(ProjectRendering.images(project) == ["p-db", "nginx"])
        #expect(ProjectRendering.profiles(project) == ["data"])
        #expect(ProjectRendering.hashes(project).map(\.service) == ["db", "web"])
    }
}
