//! Turns `proto/` into Rust, into its JSON form, and into the descriptor set that reflection and OpenAPI are read from.
//!
//! protox reads the protocol in pure Rust, so no `protoc` needs to be installed. Without the feature `service` there is
//! nothing to do: the core knows no wire format.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "service")]
    service::generate()?;
    #[cfg(feature = "milvus")]
    milvus::generate()?;
    Ok(())
}

/// The messages of Milvus' protocol that the engine over it needs.
#[cfg(feature = "milvus")]
mod milvus {
    use std::error::Error;

    pub fn generate() -> Result<(), Box<dyn Error>> {
        let descriptors = protox::compile(["milvus/milvus.proto"], ["proto"])?;
        tonic_prost_build::configure()
            .build_client(false)
            .build_server(false)
            .compile_fds(descriptors)?;
        Ok(())
    }
}

#[cfg(feature = "service")]
mod service {
    use std::env;
    use std::error::Error;
    use std::fs;
    use std::path::PathBuf;

    const PROTOS: [&str; 2] = ["proto/baowen/v1/search.proto", "proto/baowen/v1/index.proto"];

    pub fn generate() -> Result<(), Box<dyn Error>> {
        println!("cargo:rerun-if-changed=proto");
        // Comments stay in the descriptors, so `grpcurl describe` shows the documentation.
        let mut compiler = protox::Compiler::new(["proto"])?;
        compiler
            .include_imports(true)
            .include_source_info(true)
            .open_files(PROTOS)?;
        let out = PathBuf::from(env::var("OUT_DIR")?);
        let descriptors = compiler.encode_file_descriptor_set();
        fs::write(out.join("baowen.v1.bin"), &descriptors)?;
        pbjson_build::Builder::new()
            .register_descriptors(&descriptors)?
            .preserve_proto_field_names()
            .emit_fields()
            .btree_map(["."])
            .build(&[".baowen.v1"])?;
        tonic_prost_build::configure()
            // In order of their names, so that equal answers are equal bytes.
            .btree_map(".")
            .codec_path("crate::service::codec::CheckedCodec")
            .compile_fds(compiler.file_descriptor_set())?;
        Ok(())
    }
}
