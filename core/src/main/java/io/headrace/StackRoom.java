package io.headrace;

/**
 * Whether a thread has stack enough for what it is about to do: asked before anything that others
 * rely on is touched.
 */
final class StackRoom {
  /*
   * A thread can come to the end of its stack in any call (StackOverflowError). Where it has
   * counted an item and not linked it yet, or is about to give a batch to a worker, others would
   * wait for ever, and no handler can be sure to have the stack to make up for it. So whatever a caller does
   * begins with a look whether there is room for all of it.
   *
   * The look is a method with a large frame. The interpreter checks at the entry whether a frame
   * fits, and compiled code whether the frames would that the interpreter would need in its place,
   * those of what was inlined included; so there the look costs a few writes beyond the end of the
   * stack, in place of the one that every method does, and no call. That holds only for frames of
   * places where the code could have to go back to the interpreter. The branch that is never taken
   * is such a place, and no compiler knows that it is never taken. The look is two frames deep, as
   * deep as a method is inlined into itself: so half the variables do.
   *
   * What is called on the way and ends what others wait for looks for half of that: the look
   * before it has found enough for both.
   *
   * A submission takes less than 4 KiB in the interpreter, where frames are largest, with what
   * follows from it in a drain and in executors of the JDK. Code of users that is called on the
   * way, such as an executor, an observer or a clock, may take more than is left.
   */

  /** Never true. */
  @SuppressWarnings("FieldMayBeFinal") // a compiler would know its value
  private static boolean isNeeded;

  private StackRoom() {}

  /**
   * Returns if there are 8 KiB of stack left.
   *
   * @throws StackOverflowError if not
   */
  static void require() {
    require(1);
  }

  /**
   * Returns if there are 4 KiB of stack left: to end what began where there were 8 KiB.
   *
   * @throws StackOverflowError if not
   */
  static void requireSome() {
    require(0);
  }

  @SuppressWarnings("UnusedVariable") // only their number counts
  private static void require(int more) {
    long v00, v01, v02, v03, v04, v05, v06, v07, v08, v09, v0a, v0b, v0c, v0d, v0e, v0f;
    long v10, v11, v12, v13, v14, v15, v16, v17, v18, v19, v1a, v1b, v1c, v1d, v1e, v1f;
    long v20, v21, v22, v23, v24, v25, v26, v27, v28, v29, v2a, v2b, v2c, v2d, v2e, v2f;
    long v30, v31, v32, v33, v34, v35, v36, v37, v38, v39, v3a, v3b, v3c, v3d, v3e, v3f;
    long v40, v41, v42, v43, v44, v45, v46, v47, v48, v49, v4a, v4b, v4c, v4d, v4e, v4f;
    long v50, v51, v52, v53, v54, v55, v56, v57, v58, v59, v5a, v5b, v5c, v5d, v5e, v5f;
    long v60, v61, v62, v63, v64, v65, v66, v67, v68, v69, v6a, v6b, v6c, v6d, v6e, v6f;
    long v70, v71, v72, v73, v74, v75, v76, v77, v78, v79, v7a, v7b, v7c, v7d, v7e, v7f;
    long v80, v81, v82, v83, v84, v85, v86, v87, v88, v89, v8a, v8b, v8c, v8d, v8e, v8f;
    long v90, v91, v92, v93, v94, v95, v96, v97, v98, v99, v9a, v9b, v9c, v9d, v9e, v9f;
    long va0, va1, va2, va3, va4, va5, va6, va7, va8, va9, vaa, vab, vac, vad, vae, vaf;
    long vb0, vb1, vb2, vb3, vb4, vb5, vb6, vb7, vb8, vb9, vba, vbb, vbc, vbd, vbe, vbf;
    long vc0, vc1, vc2, vc3, vc4, vc5, vc6, vc7, vc8, vc9, vca, vcb, vcc, vcd, vce, vcf;
    long vd0, vd1, vd2, vd3, vd4, vd5, vd6, vd7, vd8, vd9, vda, vdb, vdc, vdd, vde, vdf;
    long ve0, ve1, ve2, ve3, ve4, ve5, ve6, ve7, ve8, ve9, vea, veb, vec, ved, vee, vef;
    long vf0, vf1, vf2, vf3, vf4, vf5, vf6, vf7, vf8, vf9, vfa, vfb, vfc, vfd, vfe, vff;
    if (more > 0) {
      require(more - 1);
    } else if (isNeeded) {
      require(more);
    }
  }
}
