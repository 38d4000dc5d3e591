import Testing

@testable import Git

@Suite struct LFSFormatTests {
    private let oid = String(repeating: "0a", count: 32)

    @Test func `a pointer is read as the specification says`() {
        let text = "version https://git-lfs.github.com/spec/v1\noid sha256:\(oid)\nsize 12345\n"
        #expect(LFSPointer(text: text) == LFSPointer(oid: oid, size: 12345))
        #expect(LFSPointer(text: text.replacing("\n", with: "\r\n")) == nil)
    }

    @Test(arguments: [
        "", "version https://git-lfs.github.com/spec/v1\n", "oid sha256:OID\nsize 1\n",
        "version https://git-lfs.github.com/spec/v2\noid sha256:OID\nsize 1\n",
        "version https://git-lfs.github.com/spec/v1\noid sha256:OID0\nsize 1\n",
        "version https://git-lfs.github.com/spec/v1\noid md5:OID\nsize 1\n",
        "version https://git-lfs.github.com/spec/v1\noid sha256:../../../../etc/passwd\nsize 1\n",
        "version https://git-lfs.github.com/spec/v1\noid sha256:OID\nsize -1\n",
        "version https://git-lfs.github.com/spec/v1\noid sha256:OID\nsize 99999999999999999999\n",
        "version https://git-lfs.github.com/spec/v1\noid sha256:OID\nsize 1\nsize 2\n",
        "version https://git-lfs.github.com/spec/v1\next-0-x sha256:OID\noid sha256:OID\nsize 1\n",
        "hello\nversion https://git-lfs.github.com/spec/v1\noid sha256:OID\nsize 1\n",
    ])
    func `what is no pointer stays a file`(text: String) {
        #expect(LFSPointer(text: text.replacing("OID", with: oid)) == nil)
    }

    @Test func `attributes decide as git check-attr does`() throws {
        let sandbox = try Sandbox()
        let files = [
            "": """
            [attr]big filter=lfs diff=lfs -text
            # a comment
            *.png filter=lfs diff=lfs
            /top.bin filter=lfs
            art/**/raw/*.psd filter=lfs
            video/** big
            "with space.iso" filter=lfs
            [ab]?.dat filter=lfs
            [!a]x.neg filter=lfs
            [a-c]*[0-9].rng filter=lfs
            dir/ filter=lfs
            !not.me filter=lfs
            \\*.star filter=lfs
            **/deep.bin filter=lfs
            a*b*c filter=lfs
            *.other filter=other
            sub/*.txt filter=lfs
            """,
            "art": "*.png -filter\nkeep.png filter=lfs\n",
            "art/raw": "*.psd !filter\n",
            "sub": "[attr]small filter=lfs\n*.mac small\n/x.y\tfilter=lfs\n",
        ]
        let paths = [
            "a.png", "x/y/a.png", "art/a.png", "art/keep.png", "art/x/keep.png", "top.bin", "x/top.bin",
            "art/raw/a.psd",
            "art/b/raw/a.psd", "art/b/c/raw/a.psd", "art/b/raw/c/a.psd", "video/a", "video/b/c", "video", "x/video/a",
            "with space.iso", "space.iso", "ax.dat", "cx.dat", "b/a.dat", "axx.dat", "bx.neg", "ax.neg", "b5.rng",
            "d5.rng",
            "dir/a", "dir", "not.me", "*.star", "a.star", "deep.bin", "x/y/deep.bin", "aXbYc", "abc", "acb", "a.other",
            "sub/a.txt", "sub/b/a.txt", "sub/a.mac", "sub/x.y", "sub/z/x.y",
        ]
        try sandbox.run("git", "init", "-q", sandbox.path)
        var attributes = GitAttributes()
        for (directory, text) in files.sorted(by: { $0.key < $1.key }) {
            try sandbox.write(text, to: directory.isEmpty ? ".gitattributes" : "\(directory)/.gitattributes")
            attributes.add(Array(text.utf8), of: TreePath(directory))
        }
        for path in paths {
            let said = try sandbox.run("git", "check-attr", "filter", "--", path, in: sandbox.path)
            #expect(attributes.isLFS(TreePath(path)) == said.hasSuffix(": filter: lfs"), "\(said)")
        }
    }

    @Test func `a hostile pattern takes no time`() throws {
        let stars = String(repeating: "*a", count: 200) + "b"
        let deep = Array(repeating: "**", count: 100).joined(separator: "/") + "/x"
        let name = String(repeating: "a", count: 255)
        let path = Array(repeating: name, count: 15)
        let start = ContinuousClock.now
        for text in [stars, deep] {
            let pattern = try #require(GlobPattern(Array(text.utf8)))
            #expect(!pattern.matches(path[...]))
        }
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test func `an address of the web is taken apart strictly`() throws {
        let base = try #require(WebAddress("https://Example.com/a?b"))
        #expect(base.host == "example.com" && base.port == 443 && base.appending("/c") == "https://Example.com/a/c?b")
        #expect(base.hasSameOrigin(as: try #require(WebAddress("https://example.com:443/z"))))
        for text in [
            "ftp://a/b", "https://user@a/b", "https://a b/", "https:///b", "https://a:b/", "https://a\\@b/", "//a/b",
            "a",
        ] {
            #expect(WebAddress(text) == nil, "\(text)")
        }
        for other in ["https://example.com:8443/", "http://example.com/", "https://example.com.evil.org/"] {
            #expect(!base.hasSameOrigin(as: try #require(WebAddress(other))))
        }
        #expect(base.following("/x")?.text == "https://example.com:443/x")
        #expect(base.following("//b/x")?.host == "b")
    }
}
