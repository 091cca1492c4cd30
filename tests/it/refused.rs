//! What the system refuses is said as that, and never as damage with the advice to throw the index away.
//!
//! Each by the program with less than it needs: another user, a disk that is full or may only be read, few files,
//! little memory. Where this machine cannot take something away, the test says so.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::needed;
use crate::support::{article, index_of, rules};

const PROGRAM: &str = env!("CARGO_BIN_EXE_baowen");

/// A shell with namespaces of its own, in which disks may be mounted that nobody else sees.
fn apart(script: &str, folder: &Path) -> Output {
    Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .env("PROGRAM", PROGRAM)
        .env("FOLDER", folder)
        .env("BAOWEN_MODEL_DIR", "/nonexistent")
        .output()
        .unwrap_or_else(|error| panic!("{error}"))
}

fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    let may = tried.is_ok_and(|output| output.status.success());
    if !may {
        needed::missing("this machine lets nobody mount disks of their own");
    }
    may
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]]
        .map(String::from_utf8_lossy)
        .concat()
}

/// It failed, for this reason, and not because of the index.
fn check(output: &Output, reason: &str) {
    let said = said(output);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(reason), "{reason}: {said}");
    for wrong in ["damaged", "--rebuild", "panicked"] {
        assert!(!said.contains(wrong), "{wrong}: {said}");
    }
}

fn sample(folder: &Path) {
    drop(index_of(
        &folder.join("idx"),
        &rules(),
        &[article("a", "医保", "断缴三个月")],
    ));
    fs::create_dir(folder.join("docs")).unwrap();
    for n in 0..40 {
        let text: String = (0..2_000).map(|m| format!("第{n}条{m}号医保断缴。\n")).collect();
        fs::write(folder.join(format!("docs/{n}.md")), text).unwrap();
    }
}

#[test]
fn a_full_disk_is_named_and_the_index_is_as_it_was() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    let script = "mount -t tmpfs -o size=1m tmpfs /mnt && $PROGRAM index --no-vectors $FOLDER/docs/0.md --index /mnt/idx >&2 && \
                  { $PROGRAM index --no-vectors $FOLDER/docs --index /mnt/idx; code=$?; $PROGRAM verify --index /mnt/idx >&2; \
                  exit $code; }";
    let output = apart(script, folder.path());
    check(&output, "No space left");
    assert!(said(&output).contains("every checksum agrees"), "{}", said(&output));
}

/// The thread that writes to the disk ends there long before a commit would ask it why.
#[test]
fn a_disk_that_is_full_before_the_commit_is_named() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    fs::create_dir(&docs).unwrap();
    // Characters by chance, which hardly become shorter when they are packed.
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from_u32(0x4e00 + (state >> 16) % 0x5000).unwrap()
    };
    for n in 0..160 {
        let lines = (0..80).map(|_| (0..60).map(|_| random()).chain("。\n".chars()).collect::<String>());
        fs::write(docs.join(format!("{n}.md")), lines.collect::<String>()).unwrap();
    }
    let script = "mount -t tmpfs -o size=1m tmpfs /mnt && $PROGRAM index --no-vectors $FOLDER/docs --index /mnt/idx";
    let output = apart(script, folder.path());
    check(&output, "No space left");
    check(&output, "writing the article");
}

#[test]
fn an_index_on_a_disk_that_may_only_be_read_is_searched_and_not_written_to() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    let mounted = "mount --bind $FOLDER /mnt && mount -o remount,ro,bind /mnt && ";
    let searched = apart(
        &format!("{mounted} $PROGRAM search 医保断缴 --index /mnt/idx --mode lexical"),
        folder.path(),
    );
    assert!(
        searched.status.success() && said(&searched).contains("断缴"),
        "{}",
        said(&searched)
    );
    let verified = apart(&format!("{mounted} $PROGRAM verify --index /mnt/idx"), folder.path());
    assert!(verified.status.success(), "{}", said(&verified));
    let delete = apart(&format!("{mounted} $PROGRAM delete a --index /mnt/idx"), folder.path());
    check(&delete, "Read-only file system");
}

#[test]
fn few_files_and_little_memory_are_named() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    let limited_to = |limits: &str, command: &str| {
        Command::new("sh")
            .args(["-c", &format!("{limits}; exec $PROGRAM {command} --index $FOLDER/idx")])
            .env("PROGRAM", PROGRAM)
            .env("FOLDER", folder.path())
            .env("BAOWEN_MODEL_DIR", "/nonexistent")
            .output()
            .unwrap()
    };
    let limited = |limits: &str| limited_to(limits, "search 医保断缴 --mode lexical");
    for files in 4..24 {
        let said = said(&limited_to(&format!("ulimit -n {files}"), "verify"));
        assert!(!said.contains("damaged"), "{files} files: {said}");
    }
    // How much it needs is for the machine to say; less than that is never damage.
    let refused = |files: &u32| {
        let said = said(&limited(&format!("ulimit -n {files}")));
        assert!(
            !said.contains("damaged") && !said.contains("--rebuild"),
            "{files} files: {said}"
        );
        said.contains("Too many open files")
    };
    assert!((4..9).filter(refused).count() > 0, "few files were enough each time");
    for megabytes in [40, 80, 160, 320] {
        let output = limited(&format!("ulimit -v {}", megabytes * 1_024));
        assert!(!said(&output).contains("damaged"), "{megabytes} MB: {}", said(&output));
    }
}

/// Users of the same machine: one writes, another may read, or not.
#[test]
fn the_files_of_another_user_are_read_where_they_may_be() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    let as_nobody = |command: &str| {
        Command::new("setpriv")
            .args([
                "--reuid",
                "65534",
                "--regid",
                "65534",
                "--clear-groups",
                "sh",
                "-c",
                command,
            ])
            .env("FOLDER", folder.path())
            .env("BAOWEN_MODEL_DIR", "/nonexistent")
            .output()
    };
    // The program may lie where nobody else may go.
    let program = folder.path().join("baowen");
    fs::copy(PROGRAM, &program).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    }
    if !as_nobody("$FOLDER/baowen --version").is_ok_and(|output| output.status.success()) {
        return needed::missing("only the superuser may become another user");
    }
    let searched = as_nobody("$FOLDER/baowen search 医保断缴 --index $FOLDER/idx --mode lexical").unwrap();
    assert!(
        searched.status.success() && said(&searched).contains("断缴"),
        "{}",
        said(&searched)
    );
    check(
        &as_nobody("$FOLDER/baowen delete a --index $FOLDER/idx").unwrap(),
        "Permission denied",
    );
    check(
        &as_nobody("$FOLDER/baowen index $FOLDER/docs/1.md --no-vectors --index $FOLDER/new").unwrap(),
        "Permission denied",
    );
    // No folder of one's own for the cache, and none in which one may be made.
    let nowhere =
        as_nobody("env -u HOME -u XDG_CACHE_HOME $FOLDER/baowen search 医保断缴 --index $FOLDER/idx").unwrap();
    assert!(nowhere.status.success(), "{}", said(&nowhere));
}
