/// Has `Debug` of an error read as its `Display`: it is what `main` prints of an error that `?` hands it. All fields are
/// behind `{:#?}`.
macro_rules! debug_reads_as_display {
    ($error:ident { $($name:ident),* $(,)? }) => {
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                if !f.alternate() {
                    return std::fmt::Display::fmt(self, f);
                }
                f.debug_struct(stringify!($error))$(.field(stringify!($name), &self.$name))*.finish()
            }
        }
    };
}
